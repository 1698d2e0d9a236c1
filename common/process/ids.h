#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace mail::process {

struct UserIds {
  uid_t uid = 0;
  gid_t gid = 0;
};
struct User {
  std::string name, home, shell, full_name;
  UserIds ids;
};

/// By name or, as getpwuid(), by number. nullopt: no such user. Errors: the
/// database could not be asked (errno): not the same as "no such user".
Result<std::optional<User>> find_account(const std::string& name);
Result<std::optional<User>> find_account(uid_t uid);
Result<std::optional<UserIds>> find_user(const std::string& name);
Result<std::optional<gid_t>> find_group(const std::string& name);

/// Real, effective and saved ids, and no other groups than these; cannot be
/// undone.
Result<> become_for_good(UserIds ids, const std::vector<gid_t>& groups = {});

/// The effective ids of `ids` until destroyed; then root's again. For a
/// process that serves one client at a time (glibc changes all threads).
class AsUser {
 public:
  static Result<AsUser> become(UserIds ids);
  AsUser(AsUser&& other) noexcept
      : active_(std::exchange(other.active_, false)), before_(other.before_) {}
  AsUser& operator=(AsUser&&) = delete;
  ~AsUser();

 private:
  explicit AsUser(UserIds before) : active_(true), before_(before) {}
  bool active_;
  UserIds before_;
};

}  // namespace mail::process
