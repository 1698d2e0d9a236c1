#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "common/base/file.h"
#include "common/base/handle.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "common/process/ids.h"
#include "tools/postfix/checks.h"
#include "tools/postfix/directories.h"

namespace mail::postfix_command {

namespace param = config::param;

namespace {

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> out;
  Handle<DIR, closedir> entries(opendir(directory.c_str()));
  if (!entries) return out;
  while (const dirent* entry = readdir(entries.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") out.push_back(std::move(name));
  }
  return out;
}

/// `path` and all below it.
template <class Look>
void walk(const std::string& path, const Look& look) {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) return;
  look(path, status);
  if (!S_ISDIR(status.st_mode)) return;
  for (const auto& name : names_in(path)) walk(path + "/" + name, look);
}

void warn_of_root_files(const Site& site) {
  std::set<std::string> places = {site.daemon_directory(),
                                  site.config_directory()};
  for (auto parameter : {param::meta_directory, param::shlib_directory}) {
    const std::string& place = site.settings->get(parameter);
    if (!place.empty() && place != "no") places.insert(place);
  }
  // Below one that is looked at already.
  for (auto at = places.begin(); at != places.end();) {
    auto next = std::next(at);
    if (next != places.end() && next->starts_with(*at + "/")) {
      places.erase(next);
    } else {
      at = next;
    }
  }
  for (const auto& place : places) {
    walk(place + "/.", [](const std::string& path, const struct stat& status) {
      if (status.st_uid != 0) {
        log::warning(fmt::format("not owned by root: {}", path));
      }
      if (!S_ISLNK(status.st_mode) && (status.st_mode & 022)) {
        log::warning(fmt::format("group or other writable: {}", path));
      }
    });
  }
}

void warn_of_mail_directories(const Site& site, uid_t mail, gid_t postdrop) {
  const std::string& owner = site.settings->get(param::mail_owner);
  const std::string& group = site.settings->get(param::setgid_group);
  for (const auto& wanted : wanted_directories(site)) {
    struct stat status;
    if (stat(wanted.path.c_str(), &status) != 0) continue;
    using Owner = WantedDirectory::Owner;
    using Group = WantedDirectory::Group;
    if (wanted.owner == Owner::Mail && status.st_uid != mail) {
      log::warning(fmt::format("not owned by {}: {}", owner, wanted.path));
    }
    if (wanted.owner == Owner::Root && status.st_uid != 0) {
      log::warning(fmt::format("not owned by root: {}", wanted.path));
    }
    if (wanted.group == Group::Postdrop && status.st_gid != postdrop) {
      log::warning(
          fmt::format("not owned by group {}: {}", group, wanted.path));
    }
    if (wanted.group != Group::Postdrop && (status.st_mode & 022)) {
      log::warning(fmt::format("group or other writable: {}", wanted.path));
    }
  }
  walk(site.settings->get(param::data_directory),
       [&](const std::string& path, const struct stat& status) {
         if (status.st_uid != mail) {
           log::warning(fmt::format("not owned by {}: {}", owner, path));
         }
       });
}

void warn_of_messages(const Site& site, uid_t mail) {
  const std::string& owner = site.settings->get(param::mail_owner);
  // Not maildrop: its files belong to who sent them.
  for (const char* name : {"active", "bounce", "corrupt", "defer", "deferred",
                           "flush", "hold", "incoming", "saved", "trace"}) {
    std::string queue = fmt::format("{}/{}", site.queue_directory(), name);
    for (const auto& entry : names_in(queue)) {
      walk(fmt::format("{}/{}", queue, entry),
           [&](const std::string& path, const struct stat& status) {
             if (status.st_uid == mail) return;
             log::warning(fmt::format("not owned by {}: {}", owner, path));
           });
    }
  }
}

void warn_of_setgid_commands(const Site& site, gid_t postdrop) {
  const std::string& group = site.settings->get(param::setgid_group);
  for (const char* name : {"postqueue", "postdrop"}) {
    std::string path = fmt::format("{}/{}", site.command_directory(), name);
    struct stat status;
    if (stat(path.c_str(), &status) != 0) continue;
    if (status.st_gid != postdrop) {
      log::warning(fmt::format("not owned by group {}: {}", group, path));
    }
    if ((status.st_mode & 02111) != 02111) {
      log::warning(fmt::format(
          "not set-gid or not owner+group+world executable: {}", path));
    }
  }
}

/// False when either cannot be read, too.
bool differ(const std::string& a, const std::string& b) {
  struct stat first, second;
  if (stat(a.c_str(), &first) != 0 || stat(b.c_str(), &second) != 0) {
    return false;
  }
  if (!S_ISREG(first.st_mode) || !S_ISREG(second.st_mode)) return false;
  if (first.st_dev == second.st_dev && first.st_ino == second.st_ino) {
    return false;
  }
  if (first.st_size != second.st_size) return true;
  auto left = read_file(a);
  auto right = read_file(b);
  return left && right && *left != *right;
}

void warn_of_jail(const Site& site) {
  std::string queue = site.queue_directory();
  for (const char* part : {"/etc", "/lib", "/usr/lib"}) {
    walk(queue + part, [&](const std::string& path, const struct stat& status) {
      std::string outside = path.substr(queue.size());
      if (S_ISREG(status.st_mode) && differ(path, outside)) {
        log::warning(fmt::format("{} and {} differ", path, outside));
      }
    });
  }
}

void warn_of_damage(const Site& site) {
  std::string queue = site.queue_directory();
  for (const auto& name : names_in(queue + "/corrupt")) {
    log::warning(fmt::format("damaged message: corrupt/{}", name));
  }
}

void warn_of_sendmail() {
  if (!differ("/usr/lib/sendmail", "/usr/sbin/sendmail")) return;
  log::warning("/usr/lib/sendmail and /usr/sbin/sendmail differ");
  log::warning("Replace one by a symbolic link to the other");
}

}  // namespace

void check_warn(const Site& site, Thoroughness thoroughness) {
  if (site.rootless) {
    warn_of_damage(site);
    return;
  }
  auto mail = process::find_user(site.settings->get(param::mail_owner));
  auto drop = process::find_group(site.settings->get(param::setgid_group));
  if (!mail || !*mail || !drop || !*drop) return;  // reported elsewhere
  warn_of_root_files(site);
  warn_of_mail_directories(site, (*mail)->uid, **drop);
  if (thoroughness == Thoroughness::EachMessage) {
    warn_of_messages(site, (*mail)->uid);
  }
  warn_of_setgid_commands(site, **drop);
  warn_of_jail(site);
  warn_of_damage(site);
  warn_of_sendmail();
}

}  // namespace mail::postfix_command
