#include "authd/passdb.h"

#include <fmt/format.h>

#include "authd/log_lines.h"
#include "authd/passdb/drivers.h"
#include "common/sasl/password.h"

namespace mail::authd {

namespace {

constexpr std::string_view kWords[] = {
    "ok",       "password_mismatch", "user_unknown", "scheme_unavailable",
    "internal", "user_disabled",     "pass_expired"};

/// Drivers of the original that are not built here.
constexpr std::string_view kNoPassdb[] = {"ldap",    "checkpassword", "imap",
                                          "dict",    "oauth2",        "lua",
                                          "bsdauth", "vpopmail"};

}  // namespace

std::string_view word(PassResult result) {
  return kWords[static_cast<size_t>(result)];
}

std::optional<PassResult> pass_result(std::string_view word) {
  for (size_t i = 0; i < std::size(kWords); ++i) {
    if (kWords[i] == word) return static_cast<PassResult>(i);
  }
  return std::nullopt;
}

std::string_view Passdb::log_name() const {
  return settings_.name.empty() ? settings_.driver : settings_.name;
}

PassAnswer Passdb::verify(const Request& request, std::string_view password) {
  PassAnswer answer = look_up(request);
  if (answer.result == PassResult::Ok) {
    check_stored(*this, request, answer, password);
  }
  return answer;
}

std::optional<std::string> prepare_check(const Passdb& passdb,
                                         const Request& request,
                                         PassAnswer& answer,
                                         std::string_view password) {
  auto say = [&](std::string_view text) {
    return request.line(passdb.log_name(), text);
  };
  bool any = answer.fields.has("nopassword");
  bool empty = !answer.stored || answer.stored->empty();
  if (any && !empty) {
    log_lines::error(say("nopassword set but password is non-empty"));
    return std::nullopt;
  }
  if (any) {
    if (request.settings->debug) log_lines::debug(say("Allowing any password"));
    return std::nullopt;
  }
  if (!answer.stored) {
    log_lines::info(say("No password returned (and no nopassword)"));
    answer.result = PassResult::Mismatch;
    return std::nullopt;
  }
  if (!sasl::is_scheme(answer.scheme)) {
    log_lines::error(say(fmt::format("Unknown scheme {}", answer.scheme)));
    answer.result = PassResult::NoScheme;
    return std::nullopt;
  }
  if (password.find('\0') != std::string_view::npos) {
    log_lines::info(say("Attempted login with password having illegal chars"));
    answer.result = PassResult::UserDisabled;
    return std::nullopt;
  }
  auto raw = sasl::decode_stored(answer.scheme, *answer.stored);
  if (!raw) {
    log_lines::error(
        say(fmt::format("Password data is not valid for scheme "
                        "{}: {}",
                        answer.scheme, raw.error().what)));
    answer.result = PassResult::NoScheme;
    return std::nullopt;
  }
  return std::move(*raw);
}

void conclude_check(const Passdb& passdb, const Request& request,
                    PassAnswer& answer, const Result<bool>& verdict,
                    std::string_view password) {
  auto say = [&](std::string_view text) {
    return request.line(passdb.log_name(), text);
  };
  if (!verdict) {
    if (verdict.error().fault == Fault::Temporary) {
      log_lines::error(say(verdict.error().what));
      answer.result = PassResult::InternalFailure;
      return;
    }
    log_lines::error(say(
        fmt::format("Invalid password in passdb: {}", verdict.error().what)));
    answer.result = PassResult::Mismatch;
    return;
  }
  if (*verdict) return;
  answer.result = PassResult::Mismatch;
  std::string given = log_lines::given_password(request, password);
  if (log_lines::verbose(request, &passdb.settings()) || !given.empty()) {
    log_lines::info(say("Password mismatch" + given));
  }
}

void check_stored(const Passdb& passdb, const Request& request,
                  PassAnswer& answer, std::string_view password) {
  auto raw = prepare_check(passdb, request, answer, password);
  if (!raw) return;
  auto verdict =
      sasl::verify_password(answer.scheme, *raw, password, request.translated);
  conclude_check(passdb, request, answer, verdict, password);
}

Result<std::unique_ptr<Passdb>> make_passdb(const DatabaseSettings& settings,
                                            unsigned id) {
  if (settings.driver == "pam") return make_pam(settings, id);
  if (settings.driver == "passwd") return make_passwd_passdb(settings, id);
  if (settings.driver == "shadow") return make_shadow(settings, id);
  if (settings.driver == "passwd-file")
    return make_passwd_file_passdb(settings, id);
  if (settings.driver == "static") return make_static_passdb(settings, id);
  if (settings.driver == "sql") return make_sql_passdb(settings, id);
  for (std::string_view name : kNoPassdb) {
    if (settings.driver != name) continue;
    return fail(
        Fault::Config,
        fmt::format("Support not compiled in for passdb driver '{}'", name));
  }
  return fail(Fault::Config,
              fmt::format("Unknown passdb driver '{}'", settings.driver));
}

}  // namespace mail::authd
