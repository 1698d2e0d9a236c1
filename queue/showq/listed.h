#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mail::showq {

/// What tells that a file is still the one that was read.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  mode_t mode = 0;
  off_t size = 0;
  timespec changed{};  ///< st_ctim: also of rename and chmod

  static FileStamp of(const struct stat& status);
  friend bool operator==(const FileStamp& a, const FileStamp& b);
  /// So young that a change within the clock's tick could go unseen.
  bool young(timespec now) const;
};

/// A message as it was sent to the last client, so that who asks again (a
/// monitor, each minute) costs two stats a message. Kept as long as the
/// process: some minutes at the most.
class Listed {
 public:
  static constexpr size_t kMostBytes = 32 << 20;

  struct Stamps {
    FileStamp file, log;  ///< log: all 0 where there is none
    friend bool operator==(const Stamps&, const Stamps&) = default;
  };

  /// A new listing begins; what it will not ask for is dropped by sweep().
  void begin() { ++round_; }
  void sweep();
  /// The bytes, if nothing has changed. Valid until the next call.
  std::optional<std::string_view> find(std::string_view id,
                                       const Stamps& stamps);
  void keep(std::string_view id, const Stamps& stamps, std::string_view bytes);

 private:
  struct Message {
    Stamps stamps;
    std::string bytes;
    unsigned round = 0;
  };
  std::unordered_map<std::string, Message> messages_;
  std::string key_;
  size_t bytes_ = 0;
  unsigned round_ = 0;
};

}  // namespace mail::showq
