#include "common/login/user_log.h"

#include <string>

namespace mail::login {

void user_log(std::string_view prefix, log::Level level,
              std::string_view text) {
  log::line(level, std::string(prefix) + std::string(text));
}

}  // namespace mail::login
