#include "common/mailbox/control_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/unique_fd.h"

namespace mail::mailbox {

namespace {

constexpr int kStaleSeconds = 120, kDeadSeconds = 2;
constexpr int kFirstPause = 1, kLongestPause = 50;  // milliseconds

bool owner_is_gone(const std::string& path, std::string_view host) {
  auto text = read_file(path, 512);
  if (!text) return false;
  size_t colon = text->find(':');
  if (colon == text->npos || text->substr(colon + 1) != host) return false;
  auto pid = parse_number<pid_t>(std::string_view(*text).substr(0, colon));
  return pid && *pid > 0 && kill(*pid, 0) != 0 && errno == ESRCH;
}

void remove_if_stale(const std::string& path, std::string_view host) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return;
  time_t age = time(nullptr) - std::max(info.st_mtime, info.st_ctime);
  if (age < kDeadSeconds) return;
  if (age < kStaleSeconds && !owner_is_gone(path, host)) return;
  // Another waiter may have replaced it between the look and the removal.
  struct stat again;
  if (lstat(path.c_str(), &again) == 0 && again.st_ino == info.st_ino &&
      again.st_ctime == info.st_ctime) {
    unlink(path.c_str());
  }
}

}  // namespace

Result<ControlLock> ControlLock::acquire(const std::string& file,
                                         std::string_view host,
                                         std::chrono::milliseconds timeout) {
  std::string path = file + ".lock";
  Instant end = Clock::now() + timeout;
  int pause = kFirstPause;
  while (true) {
    UniqueFd fd(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd) {
      // An empty lock (full disk) holds as well as any.
      (void)write_all(fd.get(), fmt::format("{}:{}", getpid(), host));
      ControlLock held;
      held.path_ = path;
      return held;
    }
    if (errno != EEXIST) {
      return fail_errno(fmt::format("file_dotlock_create({}) failed", file),
                        errno);
    }
    remove_if_stale(path, host);
    if (Clock::now() >= end) {
      return fail(Error{Fault::Temporary,
                        fmt::format("Timeout while waiting for lock {}", path),
                        EBUSY});
    }
    poll(nullptr, 0, pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

ControlLock::~ControlLock() {
  if (!path_.empty()) unlink(path_.c_str());
}

}  // namespace mail::mailbox
