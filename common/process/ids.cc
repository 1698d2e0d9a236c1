#include "common/process/ids.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "common/base/check.h"

namespace mail::process {

namespace {

constexpr size_t kRecordLimit = 1 << 20;

/// Calls a getXXX_r function with a buffer that grows until it is enough.
template <class Record, class Call>
Result<bool> ask(Record& record, std::vector<char>& buffer, Call call) {
  buffer.resize(1024);
  while (true) {
    Record* found = nullptr;
    int error = call(&record, buffer.data(), buffer.size(), &found);
    if (error == 0) return found != nullptr;
    if (error == EINTR) continue;
    if (error == ERANGE && buffer.size() < kRecordLimit) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    // Some name services say "not found" in these ways.
    if (error == ENOENT || error == ESRCH) return false;
    return fail_errno("user database", error);
  }
}

User as_user(const passwd& record) {
  return {record.pw_name,
          record.pw_dir,
          record.pw_shell,
          record.pw_gecos,
          {record.pw_uid, record.pw_gid}};
}

}  // namespace

Result<std::optional<User>> find_account(const std::string& name) {
  passwd record;
  std::vector<char> buffer;
  bool found = TRY(ask(record, buffer, [&](auto... a) {
    return getpwnam_r(name.c_str(), a...);
  }));
  if (!found) return std::optional<User>();
  return std::optional<User>(as_user(record));
}

Result<std::optional<User>> find_account(uid_t uid) {
  passwd record;
  std::vector<char> buffer;
  bool found = TRY(
      ask(record, buffer, [&](auto... a) { return getpwuid_r(uid, a...); }));
  if (!found) return std::optional<User>();
  return std::optional<User>(as_user(record));
}

Result<std::optional<UserIds>> find_user(const std::string& name) {
  auto user = TRY(find_account(name));
  if (!user) return std::optional<UserIds>();
  return std::optional<UserIds>(user->ids);
}

Result<std::optional<gid_t>> find_group(const std::string& name) {
  group record;
  std::vector<char> buffer;
  bool found = TRY(ask(record, buffer, [&](auto... a) {
    return getgrnam_r(name.c_str(), a...);
  }));
  if (!found) return std::optional<gid_t>();
  return std::optional<gid_t>(record.gr_gid);
}

Result<> become_for_good(UserIds ids, const std::vector<gid_t>& groups) {
  if (geteuid() != 0 && geteuid() == ids.uid && getegid() == ids.gid) return {};
  if (setgroups(groups.size(), groups.data()) != 0) {
    return fail_errno("setgroups", errno);
  }
  if (setresgid(ids.gid, ids.gid, ids.gid) != 0) {
    return fail_errno(fmt::format("setgid {}", ids.gid), errno);
  }
  if (setresuid(ids.uid, ids.uid, ids.uid) != 0) {
    return fail_errno(fmt::format("setuid {}", ids.uid), errno);
  }
  // What could be undone would be no protection.
  if (ids.uid != 0 && setuid(0) == 0) {
    return fail(Fault::Config, "root rights could not be given up");
  }
  return {};
}

Result<AsUser> AsUser::become(UserIds ids) {
  UserIds before{geteuid(), getegid()};
  if (before.uid == ids.uid && before.gid == ids.gid) return AsUser(before);
  if (before.uid != 0 && seteuid(0) != 0) {
    return fail_errno("seteuid 0", errno);
  }
  if (setegid(ids.gid) != 0) {
    return fail_errno(fmt::format("setegid {}", ids.gid), errno);
  }
  if (setgroups(1, &ids.gid) != 0) return fail_errno("setgroups", errno);
  if (seteuid(ids.uid) != 0) {
    return fail_errno(fmt::format("seteuid {}", ids.uid), errno);
  }
  return AsUser(before);
}

AsUser::~AsUser() {
  if (!active_) return;
  if (geteuid() == before_.uid && getegid() == before_.gid) return;
  if (geteuid() != 0) CHECK(seteuid(0) == 0);
  CHECK(setegid(before_.gid) == 0);
  CHECK(setgroups(1, &before_.gid) == 0);
  if (before_.uid != 0) CHECK(seteuid(before_.uid) == 0);
}

}  // namespace mail::process
