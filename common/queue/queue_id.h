#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::queue {

enum class IdForm { Short, Long };

/// A queue id: letters, digits, '_'; at most 255. Also the file's name.
///   short  microseconds "%05X", inode "%X"
///   long   seconds in base 52 (6 places), microseconds in base 52 (4),
///          'z', inode in base 51
class QueueId {
 public:
  QueueId() = default;  ///< none
  static QueueId make(IdForm form, long sec, long usec, uint64_t inode);
  /// Errors: Protocol.
  static Result<QueueId> parse(std::string_view text);
  static bool valid(std::string_view text);

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool operator==(const QueueId&) const = default;
  auto operator<=>(const QueueId&) const = default;

 private:
  explicit QueueId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// The form by its looks: long ids have their last 'z' at offset 10 or more.
IdForm id_form(std::string_view id);
/// What the subdirectories of a hashed queue are named after: the id itself,
/// or for long ids the microseconds in 5 hexadecimal digits.
std::string hash_text(std::string_view id);
/// The inode number an id claims. Errors: Protocol.
Result<uint64_t> claimed_inode(std::string_view id);
/// The same id but for the inode number. Errors: Protocol.
Result<QueueId> with_inode(std::string_view id, uint64_t inode);

}  // namespace mail::queue
