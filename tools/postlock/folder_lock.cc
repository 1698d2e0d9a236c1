#include "tools/postlock/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/ascii.h"

namespace mail::postlock {

namespace {

/// Tries until it works, is hopeless, or patience is at its end.
template <class Try>
bool patiently(const LockPatience& patience, Try attempt) {
  for (int i = 1;; ++i) {
    if (attempt()) return true;
    bool busy = errno == EAGAIN || errno == EACCES || errno == EEXIST;
    if (!busy || i >= patience.attempts) return false;
    timespec span{static_cast<time_t>(patience.delay.count()), 0};
    nanosleep(&span, nullptr);
  }
}

bool lock_by_fcntl(int fd) {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return fcntl(fd, F_SETLK, &whole) == 0;
}

bool make_dotlock(const std::string& path, std::chrono::seconds stale) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  if (fd) return true;
  if (errno != EEXIST) return false;
  struct stat status;
  if (stat(path.c_str(), &status) == 0 &&
      time(nullptr) - status.st_ctime > stale.count()) {
    unlink(path.c_str());
  }
  errno = EEXIST;
  return false;
}

}  // namespace

Result<std::vector<LockStyle>> parse_styles(std::string_view text) {
  std::vector<LockStyle> out;
  for (auto word : split(text)) {
    if (word == "flock") {
      out.push_back(LockStyle::Flock);
    } else if (word == "fcntl") {
      out.push_back(LockStyle::Fcntl);
    } else if (word == "dotlock") {
      out.push_back(LockStyle::Dotlock);
    } else {
      return fail(Fault::Config, std::string(word));
    }
  }
  return out;
}

Result<FolderLock> FolderLock::take(const std::string& folder,
                                    const std::vector<LockStyle>& styles,
                                    const LockPatience& patience) {
  auto failed = [&](std::string_view step) {
    int error = errno;
    return fail_errno(fmt::format("open file {}{}", folder, step), error);
  };
  FolderLock lock;
  // The dotlock first: who goes by it alone must not see us wait for it.
  if (std::count(styles.begin(), styles.end(), LockStyle::Dotlock) > 0) {
    std::string path = folder + ".lock";
    if (!patiently(patience,
                   [&] { return make_dotlock(path, patience.stale); })) {
      return failed(fmt::format(": unable to create lock file {}", path));
    }
    lock.dotlock_ = path;
  }
  lock.fd_.reset(
      open(folder.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.fd_) return failed("");
  int fd = lock.fd_.get();
  for (LockStyle style : styles) {
    bool held = patiently(patience, [&] {
      if (style == LockStyle::Flock) return flock(fd, LOCK_EX | LOCK_NB) == 0;
      return style == LockStyle::Dotlock || lock_by_fcntl(fd);
    });
    if (!held) return failed(": unable to lock for exclusive access");
  }
  return lock;
}

FolderLock::~FolderLock() {
  if (!dotlock_.empty()) unlink(dotlock_.c_str());
}

}  // namespace mail::postlock
