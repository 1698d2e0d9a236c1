#include "dkim-milter/process.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/process/ids.h"

namespace mail::dkim_milter {

Result<Identity> find_identity(const std::optional<std::string>& user_id) {
  Identity out;
  out.uid = geteuid();
  out.gid = getegid();
  if (!user_id) return out;
  size_t colon = user_id->find(':');
  std::string user = user_id->substr(0, colon);
  auto account = TRY(process::find_account(user));
  if (!account) {
    if (auto uid = parse_number<uid_t>(user)) {
      account = TRY(process::find_account(*uid));
    }
  }
  if (!account) {
    return fail(Fault::Config, fmt::format("no such user '{}'", user));
  }
  out.user = account->name;
  out.uid = account->ids.uid;
  out.gid = account->ids.gid;
  if (colon == std::string::npos) return out;
  std::string group = user_id->substr(colon + 1);
  auto gid = TRY(process::find_group(group));
  if (!gid) gid = parse_number<gid_t>(group);
  if (!gid) {
    return fail(Fault::Config, fmt::format("no such group '{}'", group));
  }
  out.gid = *gid;
  return out;
}

Result<> become(const Identity& identity) {
  if (identity.user.empty()) return {};
  if (geteuid() != 0 && identity.uid == geteuid()) return {};
  if (initgroups(identity.user.c_str(), identity.gid) < 0) {
    return fail_errno("initgroups()", errno);
  }
  if (setgid(identity.gid) < 0) return fail_errno("setgid()", errno);
  if (setuid(identity.uid) < 0) return fail_errno("setuid()", errno);
  return {};
}

Result<RestartLimits> read_restart_limits(const config::opendkim::Conf& conf) {
  RestartLimits out;
  out.enabled = conf.boolean("AutoRestart");
  out.count = conf.integer("AutoRestartCount");
  auto rate = conf.string("AutoRestartRate");
  if (!rate) return out;
  size_t slash = rate->find('/');
  auto count = parse_number<long>(rate->substr(0, slash));
  std::optional<long> span;
  if (slash != std::string::npos) {
    std::string text = lower(rate->substr(slash + 1));
    if (!text.ends_with('w')) span = parse_time(text, 's');
  }
  if (!count || !span || *span <= 0) {
    return fail(Fault::Config, "AutoRestartRate invalid");
  }
  out.rate_count = *count;
  out.rate_seconds = *span;
  return out;
}

Result<PidFile> PidFile::write(const std::string& path) {
  PidFile out;
  out.path_ = path;
  auto fd = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
  if (!fd) {
    return fail(Fault::Config,
                fmt::format("{}: {}", path, strerror(fd.error().sys)));
  }
  out.fd_ = std::move(*fd);
  char text[32];
  ssize_t n = pread(out.fd_.get(), text, sizeof(text), 0);
  if (n > 0) out.before_.assign(text, static_cast<size_t>(n));
  out.rewrite();
  return out;
}

void PidFile::rewrite() {
  if (!fd_) return;
  std::string text = fmt::format("{}\n", getpid());
  (void)!ftruncate(fd_.get(), 0);
  (void)!pwrite(fd_.get(), text.data(), text.size(), 0);
}

void PidFile::remove(End end) {
  if (!fd_) return;
  auto other = parse_number<pid_t>(trim(before_));
  if (end == End::StartFailed && other && *other > 0 &&
      (kill(*other, 0) == 0 || errno == EPERM)) {
    (void)!ftruncate(fd_.get(), 0);
    (void)!pwrite(fd_.get(), before_.data(), before_.size(), 0);
  } else if (unlink(path_.c_str()) < 0) {
    // Only root may: an empty file names nobody.
    (void)!ftruncate(fd_.get(), 0);
  }
  fd_.reset();
}

Result<Background> Background::enter() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe()", errno);
  UniqueFd reader(ends[0]);
  Background out;
  out.pipe_.reset(ends[1]);
  pid_t child = fork();
  if (child < 0) return fail_errno("fork()", errno);
  if (child == 0) {
    (void)setsid();
    return out;
  }
  out.pipe_.reset();
  char byte;
  ssize_t n;
  while ((n = read(reader.get(), &byte, 1)) < 0 && errno == EINTR) {
  }
  if (n == 1) _exit(EX_OK);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
}

void Background::ready() {
  if (!pipe_) return;
  UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = 0; null && fd < 3; ++fd) (void)dup2(null.get(), fd);
  (void)!::write(pipe_.get(), "", 1);
  pipe_.reset();
}

}  // namespace mail::dkim_milter
