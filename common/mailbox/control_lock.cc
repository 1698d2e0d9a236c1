#include "common/mailbox/control_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/mailbox/denied.h"

namespace mail::mailbox {

namespace {

constexpr int kStaleSeconds = 120, kDeadSeconds = 2;
constexpr int kFirstPause = 1, kLongestPause = 50;  // milliseconds

/// text: of a lock that is held by no flock.
bool owner_is_gone(std::string_view text, std::string_view host) {
  if (text.empty()) return true;
  size_t colon = text.find(':');
  if (colon == text.npos || text.substr(colon + 1) != host) return false;
  auto pid = parse_number<pid_t>(text.substr(0, colon));
  return pid && *pid > 0 && kill(*pid, 0) != 0 && errno == ESRCH;
}

void remove_if_stale(const std::string& path, std::string_view host) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return;
  time_t age = time(nullptr) - std::max(info.st_mtime, info.st_ctime);
  if (age < kDeadSeconds) return;
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  // Waiters remove it one at a time, and none removes the next one's lock.
  bool is_free = fd && flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
  // One of ours is at work, however long it takes.
  if (fd && !is_free && errno == EWOULDBLOCK) return;
  if (age < kStaleSeconds) {
    if (!is_free) return;
    char text[512];
    ssize_t size = ::read(fd.get(), text, sizeof text);
    if (size < 0 || !owner_is_gone({text, static_cast<size_t>(size)}, host)) {
      return;
    }
  }
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
      flock(fd.get(), LOCK_EX | LOCK_NB);
      // An empty lock (full disk) holds as well as any.
      (void)write_all(fd.get(), fmt::format("{}:{}", getpid(), host));
      ControlLock held;
      held.fd_ = std::move(fd);
      held.path_ = path;
      return held;
    }
    if (errno != EEXIST) {
      return fail_access(fmt::format("file_dotlock_create({}) failed", file),
                         path, Wanted::Entry, errno);
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
