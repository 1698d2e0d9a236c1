// userdb static: the same fields for everybody; and prefetch: those that the
// password database gave.
#include <fmt/format.h>

#include "authd/log_lines.h"
#include "authd/userdb/drivers.h"
#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/process/ids.h"

namespace mail::authd {

namespace {

class StaticUserdb : public Userdb {
 public:
  StaticUserdb(const DatabaseSettings& settings, unsigned id, bool allow_all,
               std::string fields)
      : Userdb(settings, id), allow_all_(allow_all), args_(std::move(fields)) {}

  std::string_view cache_key() const override { return args_; }
  bool needs_existence_check() const override { return !allow_all_; }

  UserAnswer look_up(const Request& request) override {
    UserAnswer out;
    out.result = UserResult::Ok;
    for (auto& [name, value] : expand_fields(args_, request)) {
      out.fields.set(name, value);
    }
    return out;
  }

 private:
  bool allow_all_;
  std::string args_;
};

class Prefetch : public Userdb {
 public:
  using Userdb::Userdb;

  UserAnswer look_up(const Request& request) override {
    UserAnswer out;
    if (!request.userdb_prefetched) {
      // Quiet where another database may know.
      if (request.settings->userdbs.size() == 1 && !request.extra.empty()) {
        log_lines::error(
            request.line(log_name(), "passdb didn't return userdb entries"));
      } else if (request.settings->userdbs.size() == 1) {
        log_lines::error(request.line(
            log_name(),
            "userdb lookup not possible with only userdb prefetch"));
      } else if (request.settings->debug) {
        log_lines::debug(
            request.line(log_name(),
                         "passdb didn't return userdb entries, trying the next "
                         "userdb"));
      }
      out.result = UserResult::UnknownUser;
      return out;
    }
    out.result = UserResult::Ok;  // its fields are in place already
    return out;
  }
};

}  // namespace

Result<std::unique_ptr<Userdb>> make_static_userdb(
    const DatabaseSettings& settings, unsigned id) {
  bool allow_all = false;
  std::string fields;
  for (std::string_view word : split(settings.args, " \t")) {
    if (word == "allow_all_users=yes") {
      allow_all = true;
      continue;
    }
    if (!fields.empty()) fields += ' ';
    size_t equals = word.find('=');
    std::string_view name = word.substr(0, equals);
    std::string value(
        equals == std::string_view::npos ? "" : word.substr(equals + 1));
    // Names of accounts are resolved once.
    if (name == "uid" && !parse_number<unsigned>(value) &&
        value.find('%') == std::string::npos) {
      auto user = TRY(process::find_user(value));
      if (!user) {
        return fail(Fault::Config, fmt::format("static userdb: Invalid UID "
                                               "value '{}'",
                                               value));
      }
      value = fmt::format("{}", user->uid);
    } else if (name == "gid" && !parse_number<unsigned>(value) &&
               value.find('%') == std::string::npos) {
      auto group = TRY(process::find_group(value));
      if (!group) {
        return fail(Fault::Config, fmt::format("static userdb: Invalid GID "
                                               "value '{}'",
                                               value));
      }
      value = fmt::format("{}", *group);
    } else {
      fields += word;
      continue;
    }
    fields += fmt::format("{}={}", name, value);
  }
  return std::make_unique<StaticUserdb>(settings, id, allow_all,
                                        std::move(fields));
}

Result<std::unique_ptr<Userdb>> make_prefetch(const DatabaseSettings& settings,
                                              unsigned id) {
  return std::make_unique<Prefetch>(settings, id);
}

}  // namespace mail::authd
