#pragma once

#include <unistd.h>

#include <optional>

namespace mail::mailbox {

/// mail_privileged_group, which may make files in /var/mail, is effective as
/// long as this lives.
class WithGroup {
 public:
  explicit WithGroup(std::optional<gid_t> group) : before_(getegid()) {
    changed_ = group && *group != before_ && setegid(*group) == 0;
  }
  WithGroup(const WithGroup&) = delete;
  WithGroup& operator=(const WithGroup&) = delete;
  ~WithGroup() {
    // To go on with rights that are not the user's would be worse.
    if (changed_ && setegid(before_) != 0) _exit(1);
  }

 private:
  gid_t before_;
  bool changed_ = false;
};

}  // namespace mail::mailbox
