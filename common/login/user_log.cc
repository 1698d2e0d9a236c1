#include "common/login/user_log.h"

#include "common/log/dovecot.h"

namespace mail::login {

void user_log(std::string_view prefix, log::Level level,
              std::string_view text) {
  log::line_with_prefix(prefix, level, text);
}

}  // namespace mail::login
