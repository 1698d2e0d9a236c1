#include "common/queue/spool.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/queuefile/record.h"

namespace mail::queue {

std::string Layout::directory(std::string_view queue) const {
  std::string out = root;
  if (!out.empty()) out += '/';
  return out.append(queue);
}

bool Layout::hashed(std::string_view queue) const {
  for (const auto& name : hash_names) {
    if (iequals(name, queue)) return true;
  }
  return false;
}

std::string Layout::path(std::string_view queue, std::string_view id) const {
  std::string out = directory(queue);
  out += '/';
  if (hashed(queue)) {
    std::string digits = hash_text(id);
    for (int i = 0; i < hash_depth; ++i) {
      auto at = static_cast<size_t>(i);
      out += at < digits.size() ? digits[at] : '_';
      out += '/';
    }
  }
  return out.append(id);
}

namespace {
/// rename(2) that replaces nothing; errno. The inode is ours alone, so only a
/// file whose inode is not what its name says can stand in the way.
int rename_new(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                RENAME_NOREPLACE) == 0) {
    return 0;
  }
  if (errno != EINVAL && errno != ENOSYS) return errno;
  if (access(to.c_str(), F_OK) == 0) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}
}  // namespace

Result<NewFile> create(const Layout& layout, std::string_view queue,
                       mode_t mode) {
  constexpr int kTries = 1000;
  std::string directory = layout.directory(queue);
  NewFile file;
  std::string temporary;
  for (int tries = 0; !file.fd; ++tries) {
    timeval now{};
    gettimeofday(&now, nullptr);
    temporary = fmt::format("{}/{}.{}", directory, now.tv_usec, getpid());
    auto fd = open_file(temporary, O_RDWR | O_CREAT | O_EXCL, mode);
    if (!fd) {
      if (fd.error().sys == EEXIST && tries < kTries) continue;
      return fail(std::move(fd).error());
    }
    file.fd = std::move(*fd);
  }
  struct stat st{};
  int error = fstat(file.fd.get(), &st) != 0 ? errno : EEXIST;
  for (int tries = 0; tries < kTries && error == EEXIST; ++tries) {
    timeval now{};
    gettimeofday(&now, nullptr);
    file.sec = now.tv_sec;
    file.usec = now.tv_usec;
    file.id = QueueId::make(layout.id_form, file.sec, file.usec, st.st_ino);
    file.path = layout.path(queue, file.id.text());
    error = rename_new(temporary, file.path);
    if (error == 0) return file;
    if (error == ENOENT) {
      TRY(make_parents(file.path));
      error = EEXIST;
    }
  }
  unlink(temporary.c_str());
  return fail_errno(fmt::format("create a file in {}", directory), error);
}

Result<> finish(const NewFile& file, mode_t mode, long mtime) {
  TRY(set_mtime(file.fd.get(), mtime));
  if (fchmod(file.fd.get(), mode | kReady) != 0) {
    return fail_errno(fmt::format("chmod {}", file.path), errno);
  }
  return {};
}

Result<> sync(int fd) {
  if (fsync(fd) != 0) return fail_errno("fsync", errno);
  return {};
}

Result<UniqueFd> open(const Layout& layout, std::string_view queue,
                      std::string_view id, int flags) {
  return open_file(layout.path(queue, id), flags | O_NOFOLLOW);
}

Result<> remove(const Layout& layout, std::string_view queue,
                std::string_view id) {
  std::string path = layout.path(queue, id);
  if (unlink(path.c_str()) != 0) {
    return fail_errno(fmt::format("remove {}", path), errno);
  }
  return {};
}

Result<> make_parents(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    std::string directory = path.substr(0, slash);
    if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST &&
        access(directory.c_str(), F_OK) != 0) {
      return fail_errno(fmt::format("mkdir {}", directory), errno);
    }
  }
  return {};
}

Result<> rename_path(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  int error = errno;
  if (error == ENOENT && access(from.c_str(), F_OK) == 0) {
    TRY(make_parents(to));
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    error = errno;
  }
  return fail_errno(fmt::format("rename {} to {}", from, to), error);
}

Result<> rename(const Layout& layout, std::string_view id,
                std::string_view from, std::string_view to) {
  return rename_path(layout.path(from, id), layout.path(to, id));
}

namespace {
int operation(Lock lock) { return lock == Lock::Shared ? LOCK_SH : LOCK_EX; }
}  // namespace

Result<bool> try_lock(int fd, Lock lock) {
  if (flock(fd, operation(lock) | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return fail_errno("flock", errno);
}

Result<> lock(int fd, Lock lock) {
  while (flock(fd, operation(lock)) != 0) {
    if (errno != EINTR) return fail_errno("flock", errno);
  }
  return {};
}

namespace {
struct Stamps {
  timespec times[2];
};
Stamps stamps(long sec) {
  timespec when{sec, sec == 0 ? UTIME_NOW : 0};
  return {{when, when}};
}
}  // namespace

Result<> set_mtime(const std::string& path, long sec) {
  if (utimensat(AT_FDCWD, path.c_str(), stamps(sec).times, 0) != 0) {
    return fail_errno(fmt::format("set time of {}", path), errno);
  }
  return {};
}

Result<> set_mtime(int fd, long sec) {
  if (futimens(fd, stamps(sec).times) != 0) {
    return fail_errno("set time", errno);
  }
  return {};
}

FileCheck check_file(const struct stat& st, long now) {
  constexpr long kFreshLink = 60;
  if (!S_ISREG(st.st_mode)) return FileCheck::NotRegular;
  if ((st.st_mode & kReady) != kReady) return FileCheck::Writing;
  if (st.st_nlink == 1) return FileCheck::Ready;
  return now < st.st_ctime + kFreshLink ? FileCheck::LinksFresh
                                        : FileCheck::Links;
}

namespace {
Result<> overwrite(int fd, std::string_view bytes, long offset) {
  ssize_t n = pwrite(fd, bytes.data(), bytes.size(), offset);
  if (n != static_cast<ssize_t>(bytes.size())) {
    return fail_errno("update queue file", n < 0 ? errno : EIO);
  }
  return {};
}
}  // namespace

Result<> mark_done(int fd, long offset) {
  char type = static_cast<char>(queuefile::Type::DoneRecipient);
  return overwrite(fd, {&type, 1}, offset);
}

Result<> mark_killed(int fd, long offset) {
  char type = static_cast<char>(queuefile::Type::Killed);
  return overwrite(fd, {&type, 1}, offset);
}

Result<> mark_warned(int fd, long offset) {
  std::string record;
  queuefile::append_record(record, queuefile::Type::WarnTime,
                           queuefile::fixed_number(-1));
  return overwrite(fd, record, offset);
}

}  // namespace mail::queue
