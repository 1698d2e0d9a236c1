#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::policyd_spf {

/// What counts of a policy request (Postfix's SMTPD_POLICY_README), in lower
/// case but for queue_id.
struct Request {
  std::string client_address, helo_name, sender, recipient, instance, queue_id;
};

/// Takes attribute lines. Bounded: a request has some dozens of short lines.
class RequestParser {
 public:
  static constexpr size_t kMostBytes = 64 << 10;

  /// Called with each line that is no "name=value".
  std::function<void(std::string_view)> bad_line;

  /// One line without its end. True: it was empty, and request() is whole.
  bool take(std::string_view line);
  Request take_request();
  bool too_large() const { return bytes_ > kMostBytes; }

 private:
  Request request_;
  size_t bytes_ = 0;
};

/// What stands behind the last @; all of it when there is none.
inline std::string domain_of(std::string_view address) {
  return std::string(address.substr(address.rfind('@') + 1));
}

}  // namespace mail::policyd_spf
