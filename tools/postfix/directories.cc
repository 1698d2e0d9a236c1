#include "tools/postfix/directories.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/config/postfix/params.h"
#include "common/process/ids.h"

namespace mail::postfix_command {

namespace param = config::param;

namespace {

using Owner = WantedDirectory::Owner;
using Group = WantedDirectory::Group;

struct Ids {
  process::UserIds mail;
  gid_t postdrop = 0;

  uid_t of(Owner owner) const { return owner == Owner::Mail ? mail.uid : 0; }
  gid_t of(Group group) const {
    switch (group) {
      case Group::Mail:
        return mail.gid;
      case Group::Postdrop:
        return postdrop;
      case Group::Root:
        break;
    }
    return 0;
  }
};

Result<Ids> find_ids(const Site& site) {
  Ids out;
  const std::string& owner = site.settings->get(param::mail_owner);
  const std::string& group = site.settings->get(param::setgid_group);
  auto user = TRY(process::find_user(owner));
  auto postdrop = TRY(process::find_group(group));
  if (!user || !postdrop) {
    return fail(Fault::Config,
                fmt::format("unknown account: {}", user ? group : owner));
  }
  out.mail = *user;
  out.postdrop = *postdrop;
  return out;
}

Result<> settle(const WantedDirectory& wanted, const Site& site,
                const Ids& ids) {
  const char* path = wanted.path.c_str();
  if (!site.rootless &&
      chown(path, ids.of(wanted.owner), ids.of(wanted.group)) != 0) {
    return fail_errno("chown " + wanted.path, errno);
  }
  // Not by umask, and set-gid does not survive chown.
  if (chmod(path, wanted.mode) != 0) {
    return fail_errno("chmod " + wanted.path, errno);
  }
  return {};
}

}  // namespace

std::vector<WantedDirectory> wanted_directories(const Site& site) {
  std::string queue = site.queue_directory();
  std::vector<WantedDirectory> out;
  out.push_back({queue, 0755, Owner::Root, Group::Root});
  for (const char* name :
       {"active", "bounce", "corrupt", "defer", "deferred", "flush", "hold",
        "incoming", "private", "saved", "trace"}) {
    out.push_back(
        {fmt::format("{}/{}", queue, name), 0700, Owner::Mail, Group::Root});
  }
  out.push_back({queue + "/maildrop", 01730, Owner::Mail, Group::Postdrop});
  out.push_back({queue + "/public", 02710, Owner::Mail, Group::Postdrop});
  out.push_back({queue + "/pid", 0755, Owner::Root, Group::Root});
  out.push_back({site.settings->get(param::data_directory), 0755, Owner::Mail,
                 Group::Mail});
  return out;
}

Result<> create_missing(const Site& site) {
  std::optional<Ids> ids;
  for (const auto& wanted : wanted_directories(site)) {
    struct stat status;
    if (stat(wanted.path.c_str(), &status) == 0) continue;
    if (!ids) ids = site.rootless ? Ids{} : TRY(find_ids(site));
    if (mkdir(wanted.path.c_str(), wanted.mode & 0777) != 0) {
      return fail_errno("mkdir " + wanted.path, errno);
    }
    TRY(settle(wanted, site, *ids));
  }
  return {};
}

Result<> set_permissions(const Site& site) {
  TRY(create_missing(site));
  Ids ids = site.rootless ? Ids{} : TRY(find_ids(site));
  for (const auto& wanted : wanted_directories(site)) {
    TRY(settle(wanted, site, ids));
  }
  if (site.rootless) return {};
  for (const char* name : {"postdrop", "postqueue"}) {
    std::string path = fmt::format("{}/{}", site.command_directory(), name);
    if (chown(path.c_str(), 0, ids.postdrop) != 0 ||
        chmod(path.c_str(), 02755) != 0) {
      return fail_errno("set-gid " + path, errno);
    }
  }
  return {};
}

}  // namespace mail::postfix_command
