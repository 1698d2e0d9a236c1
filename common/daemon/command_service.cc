#include "common/daemon/command_service.h"

#include <fmt/format.h>

#include <cstdlib>

#include "common/base/ascii.h"

namespace mail::daemon {

namespace param = config::param;

Result<process::UserIds> find_service_user(std::string_view user,
                                           const config::Settings& settings) {
  auto refuse = [](std::string_view what) {
    return fail(Fault::Config, fmt::format("get_service_attr: {}", what));
  };
  auto forbid = [](std::string_view what) {
    return fail(Fault::Config,
                fmt::format("user= command-line attribute specifies {}", what));
  };
  size_t colon = user.find(':');
  std::string name(user.substr(0, colon));
  auto found = TRY(process::find_user(name));
  if (!found) return refuse(fmt::format("unknown username: {}", name));
  auto ids = *found;
  if (colon != std::string_view::npos) {
    std::string group_name(user.substr(colon + 1));
    auto group = TRY(process::find_group(group_name));
    if (!group) return refuse(fmt::format("unknown group: {}", group_name));
    ids.gid = *group;
  }
  if (ids.uid == 0) return forbid("root privileges");
  if (ids.gid == 0) return forbid("privileged group id 0");
  const std::string& owner_name = settings.get(param::mail_owner);
  auto owner = TRY(process::find_user(owner_name));
  if (owner && owner->uid == ids.uid) {
    return forbid(fmt::format("mail system owner {}", owner_name));
  }
  if (owner && owner->gid == ids.gid) {
    return forbid(
        fmt::format("mail system owner {} group id {}", owner_name, ids.gid));
  }
  const std::string& post_name = settings.get(param::setgid_group);
  auto post = TRY(process::find_group(post_name));
  if (post && *post == ids.gid) {
    return forbid(
        fmt::format("mail system {} group id {}", post_name, ids.gid));
  }
  return ids;
}

std::vector<std::string> command_environment(const config::Settings& settings) {
  std::vector<std::string> out;
  for (auto name : split(settings.get(param::export_environment))) {
    if (name.find('=') != std::string_view::npos) {
      out.emplace_back(name);
      continue;
    }
    const char* value = getenv(std::string(name).c_str());
    if (value != nullptr && *value != 0) {
      out.push_back(fmt::format("{}={}", name, value));
    }
  }
  out.emplace_back("PATH=/usr/bin:/bin");
  return out;
}

}  // namespace mail::daemon
