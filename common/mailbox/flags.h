#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::mailbox {

/// System flags of a message, a bit each. \Recent is not among them: it
/// belongs to a session (Message::recent).
using Flags = uint8_t;
constexpr Flags kSeen = 1, kAnswered = 2, kFlagged = 4, kDeleted = 8,
                kDraft = 16, kAllFlags = 31;

/// Keywords of a message, a bit each: the place of the name in the mailbox's
/// list of keywords. At most 64 names in a mailbox.
using KeywordMask = uint64_t;
constexpr unsigned kMaxKeywords = 64;

/// A set of flags as a caller says it.
struct FlagSet {
  Flags flags = 0;
  std::vector<std::string> keywords;  ///< names, compared without case
};

/// "\Seen" and so on, any case; 0: none of the five.
Flags flag_of(std::string_view name);
/// Whether a keyword may be called so: an atom (RFC 3501, flag-keyword).
bool is_keyword(std::string_view name);
/// "\Answered \Flagged \Deleted \Seen \Draft", the order of FLAGS replies.
class FlagNames {
 public:
  explicit FlagNames(Flags flags);
  const std::string_view* begin() const { return names_.data(); }
  const std::string_view* end() const { return names_.data() + count_; }

 private:
  std::array<std::string_view, 5> names_;
  size_t count_ = 0;
};

}  // namespace mail::mailbox
