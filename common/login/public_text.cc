#include "common/login/public_text.h"

#include <fmt/format.h>

#include <ctime>

namespace mail::login {

std::string public_text(const Error& error) {
  if (error.fault == Fault::Permanent) return error.what;
  std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return fmt::format(
      "Internal error occurred. Refer to server log for more information. "
      "[{:04}-{:02}-{:02} {:02}:{:02}:{:02}]",
      local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour,
      local.tm_min, local.tm_sec);
}

}  // namespace mail::login
