#pragma once

#include <errno.h>
#include <sys/file.h>

namespace mail::maps {

/// flock(2), as Postfix locks its databases; released at the scope's end.
class FileLock {
 public:
  /// fd -1: no lock is wanted.
  FileLock(int fd, int operation) : fd_(fd) {
    while (fd_ >= 0 && ::flock(fd_, operation) < 0) {
      if (errno != EINTR) fd_ = -1;
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() {
    if (fd_ >= 0) ::flock(fd_, LOCK_UN);
  }

 private:
  int fd_;
};

}  // namespace mail::maps
