#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::authd {

/// Options in front of a driver's last argument: "scheme=CRYPT
/// username_format=%n /etc/users".
class DriverArgs {
 public:
  explicit DriverArgs(std::string_view text) : rest_(text) {}
  /// The next "name=value" word in front, or nullopt; rest() then begins
  /// behind it.
  std::optional<std::pair<std::string_view, std::string_view>> next_option();
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace mail::authd
