// passdb passwd and shadow, userdb passwd: the system's accounts, as NSS has
// them. In workers, for NSS may ask a network.
#include <fmt/format.h>
#include <pwd.h>
#include <shadow.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "authd/driver_args.h"
#include "authd/log_lines.h"
#include "authd/passdb/drivers.h"
#include "authd/userdb/drivers.h"
#include "common/base/ascii.h"

namespace mail::authd {

namespace {

constexpr size_t kFirstRoom = 1024, kMostRoom = 1 << 20;

/// Calls `get(record, buffer, size, found)` with more and more room.
template <class Record, class Get>
int with_room(std::vector<char>& room, Record** found, const Get& get) {
  room.resize(kFirstRoom);
  while (true) {
    int error = get(room.data(), room.size(), found);
    if (error != ERANGE || room.size() >= kMostRoom) return error;
    room.resize(room.size() * 4);
  }
}

/// Some NSS modules say "no such user" by these.
bool means_unknown(int error) {
  return error == 0 || error == ENOENT || error == ESRCH || error == EBADF ||
         error == EPERM;
}

class SystemPassdb : public Passdb {
 public:
  SystemPassdb(const DatabaseSettings& settings, unsigned id, bool blocking)
      : Passdb(settings, id), blocking_(blocking) {}

  bool blocking() const override { return blocking_; }
  std::string_view cache_key() const override { return "%u"; }

  PassAnswer look_up(const Request& request) override {
    if (request.settings->debug) {
      log_lines::debug(request.line(log_name(), "lookup"));
    }
    PassAnswer out;
    out.scheme = "CRYPT";
    std::vector<char> room;
    int error = 0;
    const char* hash = nullptr;
    passwd account{}, *found_account = nullptr;
    spwd shadow{}, *found_shadow = nullptr;
    if (settings().driver == "shadow") {
      error = with_room(
          room, &found_shadow, [&](char* data, size_t size, spwd** found) {
            return getspnam_r(request.user.c_str(), &shadow, data, size, found);
          });
      if (found_shadow) hash = shadow.sp_pwdp;
    } else {
      error = with_room(room, &found_account,
                        [&](char* data, size_t size, passwd** found) {
                          return getpwnam_r(request.user.c_str(), &account,
                                            data, size, found);
                        });
      if (found_account) hash = account.pw_passwd;
    }
    if (!hash && !means_unknown(error)) {
      log_lines::error(request.line(
          log_name(), fmt::format("getpwnam() failed: {}", strerror(error))));
      return out;
    }
    // One letter or none: "*", "x", "!": nobody can log in so.
    if (!hash || strlen(hash) < 2 || hash[0] == '*' || hash[0] == '!') {
      log_lines::unknown_user(request, log_name(), settings());
      out.result = PassResult::UnknownUser;
      return out;
    }
    out.result = PassResult::Ok;
    out.stored = hash;
    explicit_bzero(room.data(), room.size());
    return out;
  }

 private:
  bool blocking_;
};

class PasswdUserdb : public Userdb {
 public:
  PasswdUserdb(const DatabaseSettings& settings, unsigned id, bool blocking,
               std::string templates)
      : Userdb(settings, id),
        blocking_(blocking),
        templates_(std::move(templates)) {}

  bool blocking() const override { return blocking_; }
  std::string_view cache_key() const override { return "%u"; }

  UserAnswer look_up(const Request& request) override {
    if (request.settings->debug) {
      log_lines::debug(request.line(log_name(), "lookup"));
    }
    UserAnswer out;
    std::vector<char> room;
    passwd account{}, *found = nullptr;
    int error =
        with_room(room, &found, [&](char* data, size_t size, passwd** result) {
          return getpwnam_r(request.user.c_str(), &account, data, size, result);
        });
    if (!found) {
      if (means_unknown(error)) {
        out.result = UserResult::UnknownUser;
        log_lines::unknown_user(request, log_name(), settings());
      } else {
        log_lines::error(request.line(
            log_name(), fmt::format("getpwnam() failed: {}", strerror(error))));
      }
      return out;
    }
    out.result = UserResult::Ok;
    out.fields.set("system_groups_user", account.pw_name);
    out.fields.set("uid", fmt::format("{}", account.pw_uid));
    out.fields.set("gid", fmt::format("{}", account.pw_gid));
    out.fields.set("home", account.pw_dir);
    for (auto& [name, value] : expand_fields(templates_, request)) {
      out.fields.set(name, value);
    }
    return out;
  }

  bool list(const Request& request,
            const std::function<void(std::string_view)>& found) override {
    const Settings& limits = *request.settings;
    setpwent();
    while (passwd* account = getpwent()) {
      if (account->pw_uid < limits.first_valid_uid) continue;
      if (limits.last_valid_uid != 0 &&
          account->pw_uid > limits.last_valid_uid) {
        continue;
      }
      found(account->pw_name);
    }
    endpwent();
    return true;
  }

 private:
  bool blocking_;
  std::string templates_;
};

}  // namespace

Result<std::unique_ptr<Passdb>> make_passwd_passdb(
    const DatabaseSettings& settings, unsigned id) {
  return std::make_unique<SystemPassdb>(settings, id,
                                        trim(settings.args) != "blocking=no");
}

Result<std::unique_ptr<Passdb>> make_shadow(const DatabaseSettings& settings,
                                            unsigned id) {
  return std::make_unique<SystemPassdb>(settings, id,
                                        trim(settings.args) != "blocking=no");
}

Result<std::unique_ptr<Userdb>> make_passwd_userdb(
    const DatabaseSettings& settings, unsigned id) {
  bool blocking = true;
  std::string templates;
  for (std::string_view word : split(settings.args, " \t")) {
    if (word == "blocking=no") {
      blocking = false;
    } else {
      if (!templates.empty()) templates += ' ';
      templates += word;
    }
  }
  if (!templates.empty()) {
    log_lines::warning(
        "userdb passwd: Move templates args to override_fields "
        "setting");
  }
  return std::make_unique<PasswdUserdb>(settings, id, blocking,
                                        std::move(templates));
}

}  // namespace mail::authd
