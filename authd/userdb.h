#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "authd/request.h"
#include "common/base/result.h"
#include "common/ipc/tabbed.h"

namespace mail::authd {

enum class UserResult { Ok, UnknownUser, InternalFailure };
std::string_view word(UserResult result);
std::optional<UserResult> user_result(std::string_view word);

struct UserAnswer {
  UserResult result = UserResult::InternalFailure;
  ipc::TabFields fields;  ///< uid=, gid=, home=..., values expanded
};

/// A user database; like Passdb.
class Userdb {
 public:
  Userdb(DatabaseSettings settings, unsigned id)
      : settings_(std::move(settings)), id_(id) {}
  Userdb(const Userdb&) = delete;
  Userdb& operator=(const Userdb&) = delete;
  virtual ~Userdb() = default;

  const DatabaseSettings& settings() const { return settings_; }
  unsigned id() const { return id_; }
  std::string_view log_name() const {
    return settings_.name.empty() ? settings_.driver : settings_.name;
  }

  virtual bool blocking() const { return false; }
  virtual std::string_view cache_key() const { return {}; }
  /// Says yes to every name: whether the user exists a password database must
  /// say (static without allow_all_users).
  virtual bool needs_existence_check() const { return false; }

  virtual UserAnswer look_up(const Request& request) = 0;
  /// All users' names; false: they cannot be listed, or not all.
  virtual bool list(const Request& request,
                    const std::function<void(std::string_view)>& found);

 private:
  DatabaseSettings settings_;
  unsigned id_;
};

Result<std::unique_ptr<Userdb>> make_userdb(const DatabaseSettings& settings,
                                            unsigned id);

}  // namespace mail::authd
