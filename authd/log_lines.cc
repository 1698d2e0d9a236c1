#include "authd/log_lines.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/crypto/digest.h"
#include "common/log/log.h"

namespace mail::authd::log_lines {

namespace {
std::string& context() {
  static std::string prefix;
  return prefix;
}
}  // namespace

void set_context(std::string prefix) { context() = std::move(prefix); }

void error(std::string_view text) {
  log::error(context().empty() ? std::string(text)
                               : fmt::format("{}{}", context(), text));
}
void warning(std::string_view text) {
  log::warning(context().empty() ? std::string(text)
                                 : fmt::format("{}{}", context(), text));
}
void info(std::string_view text) {
  log::info(context().empty() ? std::string(text)
                              : fmt::format("{}{}", context(), text));
}
void debug(std::string_view text) {
  log::debug(context().empty() ? std::string(text)
                               : fmt::format("{}{}", context(), text));
}

bool verbose(const Request& request, const DatabaseSettings* database) {
  if (request.settings->debug) return true;
  if (database && database->verbose == "yes") return true;
  if (database && database->verbose == "no") return false;
  return request.settings->verbose;
}

std::string given_password(const Request& request, std::string_view password) {
  const std::string& how = request.settings->verbose_passwords;
  if (request.settings->debug_passwords) {
    return fmt::format(" (given password: {})", printable(password));
  }
  size_t colon = how.find(':');
  std::string_view kind = std::string_view(how).substr(0, colon);
  size_t length = std::string::npos;
  if (colon != std::string::npos) {
    length = parse_number<size_t>(std::string_view(how).substr(colon + 1))
                 .value_or(length);
  }
  if (kind == "plain" || kind == "yes") {
    return fmt::format(" (given password: {})",
                       printable(password.substr(0, length)));
  }
  if (kind == "sha1") {
    std::string digest =
        crypto::hex(crypto::digest(crypto::Hash::Sha1, password));
    return fmt::format(" (SHA1 of given password: {})",
                       digest.substr(0, length));
  }
  return "";
}

void unknown_user(const Request& request, std::string_view log_name,
                  const DatabaseSettings& settings) {
  std::string given = given_password(request, request.password);
  if (verbose(request, &settings) || !given.empty()) {
    info(request.line(log_name, "unknown user" + given));
  }
}

}  // namespace mail::authd::log_lines
