#include "common/process/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/file.h"

namespace mail::process {

Result<PidFile> PidFile::lock(const std::string& path) {
  auto failed = [&](std::string_view step) {
    int error = errno;
    Failure failure =
        fail_errno(fmt::format("open lock file {}{}", path, step), error);
    failure.value().fault = Fault::Config;
    return failure;
  };
  UniqueFd fd(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return failed("");
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return failed(": unable to set exclusive lock");
  }
  return PidFile(std::move(fd));
}

Result<> PidFile::write_pid() {
  if (ftruncate(fd_.get(), 0) != 0 || lseek(fd_.get(), 0, SEEK_SET) != 0) {
    return fail_errno("lock file", errno);
  }
  return write_all(fd_.get(), fmt::format("{:>32}\n", getpid()));
}

Result<bool> is_locked(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) {
    if (errno == ENOENT) return false;
    return fail_errno("open lock file " + path, errno);
  }
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return false;
  if (errno == EWOULDBLOCK) return true;
  return fail_errno("lock " + path, errno);
}

}  // namespace mail::process
