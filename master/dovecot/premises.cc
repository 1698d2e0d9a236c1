#include "master/dovecot/premises.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/process/ids.h"

namespace mail::dovecot {

namespace set = config::dovecot::setting;

namespace {

Result<> make_directory(const std::string& path, mode_t mode, gid_t group) {
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return fail_errno(fmt::format("mkdir({}) failed", path), errno);
  }
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return fail_errno(fmt::format("stat({}) failed", path), errno);
  }
  if ((info.st_mode & 07777) != mode) chmod(path.c_str(), mode);
  if (geteuid() == 0 && (info.st_uid != 0 || info.st_gid != group) &&
      chown(path.c_str(), 0, group) != 0) {
    return fail_errno(fmt::format("chown({}) failed", path), errno);
  }
  return {};
}

}  // namespace

Result<> make_premises(const config::dovecot::Settings& settings,
                       const std::string& config_path) {
  const std::string& base = settings.get(set::base_dir);
  gid_t login = 0;
  if (geteuid() == 0) {
    const std::string& name = settings.get(set::default_login_user);
    auto found = TRY(process::find_user(name));
    if (!found) {
      return fail(Fault::Config,
                  fmt::format("default_login_user doesn't exist: {}", name));
    }
    login = found->gid;
    const std::string& internal = settings.get(set::default_internal_user);
    if (!TRY(process::find_user(internal))) {
      return fail(
          Fault::Config,
          fmt::format("default_internal_user doesn't exist: {}", internal));
    }
  }
  TRY(make_directory(base, 0755, 0));
  TRY(make_directory(base + "/login", 0750, login));
  TRY(make_directory(base + "/token-login", 0750, login));
  TRY(make_directory(base + "/empty", 0755, 0));
  std::string link = base + "/dovecot.conf", made = link + ".new";
  unlink(made.c_str());
  if (symlink(config_path.c_str(), made.c_str()) != 0 ||
      rename(made.c_str(), link.c_str()) != 0) {
    return fail_errno(fmt::format("symlink({}) failed", link), errno);
  }
  return {};
}

pid_t running_master(const std::string& base_dir) {
  auto text = read_file(base_dir + "/master.pid", 64);
  if (!text) return 0;
  auto pid = parse_number<pid_t>(trim(*text));
  if (!pid || *pid <= 1 || *pid == getpid()) return 0;
  return kill(*pid, 0) == 0 || errno == EPERM ? *pid : 0;
}

Result<> write_pid_file(const std::string& base_dir) {
  return replace_file(base_dir + "/master.pid", fmt::format("{}\n", getpid()),
                      0600);
}

void remove_pid_file(const std::string& base_dir) {
  unlink((base_dir + "/master.pid").c_str());
}

}  // namespace mail::dovecot
