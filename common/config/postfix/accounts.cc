#include "common/config/postfix/accounts.h"

#include <fmt/core.h>

#include "common/base/ascii.h"

namespace mail::config {

namespace {

Failure bad(const Settings& settings, std::string_view name,
            std::string_view what) {
  return fail(Fault::Config, fmt::format("file {}: parameter {}: {}",
                                         settings.main_cf(), name, what));
}

Result<HostFacts::Ids> user_ids(const Settings& settings, const HostFacts& host,
                                std::string_view name,
                                const std::string& user) {
  auto ids = host.user ? host.user(user) : std::nullopt;
  if (!ids) {
    return bad(settings, name,
               fmt::format("unknown user name value: {}", user));
  }
  if (ids->uid == 0) {
    return bad(settings, name,
               fmt::format("user {} has privileged user ID", user));
  }
  if (ids->gid == 0) {
    return bad(settings, name,
               fmt::format("user {} has privileged group ID", user));
  }
  return *ids;
}

}  // namespace

Result<> check_accounts(const Settings& settings, const HostFacts& host) {
  const std::string& privs = settings.get(param::default_privs);
  const std::string& owner = settings.get(param::mail_owner);
  const std::string& group = settings.get(param::setgid_group);
  auto default_ids = TRY(user_ids(settings, host, "default_privs", privs));
  auto owner_ids = TRY(user_ids(settings, host, "mail_owner", owner));
  auto gid = host.group ? host.group(group) : std::nullopt;
  if (!gid) {
    return bad(settings, "setgid_group",
               fmt::format("unknown group name: {}", group));
  }
  if (*gid == 0) {
    return bad(settings, "setgid_group",
               fmt::format("group {} has privileged group ID", group));
  }
  auto same = [](std::string_view kinds, std::string_view a, std::string_view b,
                 std::string_view kind, unsigned id) {
    return fail(Fault::Config,
                fmt::format("{} {} and {} have the same {} ID: {}", kinds, a, b,
                            kind, id));
  };
  if (default_ids.uid == owner_ids.uid) {
    return same("users", privs, owner, "user", owner_ids.uid);
  }
  if (default_ids.gid == owner_ids.gid) {
    return same("users", privs, owner, "group", owner_ids.gid);
  }
  if (default_ids.gid == *gid) {
    return same("user and group", privs, group, "group", *gid);
  }
  if (owner_ids.gid == *gid) {
    return same("user and group", owner, group, "group", *gid);
  }
  return {};
}

Result<> check_config_directory(const Settings& settings,
                                const std::string& directory) {
  for (const std::string* list :
       {&settings.get(param::alternate_config_directories),
        &settings.get(param::multi_instance_directories)}) {
    for (std::string_view item : split(*list)) {
      if (item == directory) return {};
    }
  }
  return fail(
      Fault::Config,
      fmt::format("unauthorized configuration directory name: {0}\nspecify "
                  "\"alternate_config_directories = {0}\" or "
                  "\"multi_instance_directories = {0}\" in {1}",
                  directory, settings.main_cf()));
}

}  // namespace mail::config
