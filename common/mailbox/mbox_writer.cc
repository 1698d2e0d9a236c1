#include "common/mailbox/mbox_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/file.h"

namespace mail::mailbox {

namespace {

/// Opens what is there. A symbolic link must be root's: users could otherwise
/// point their mailbox at what is not theirs to append to.
Result<UniqueFd> open_existing(const std::string& path) {
  int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  UniqueFd fd(::open(path.c_str(), flags | O_NOFOLLOW));
  if (!fd && errno == ELOOP) {
    struct stat link;
    if (lstat(path.c_str(), &link) != 0 || link.st_uid != 0) {
      return fail_errno("file is a symbolic link", ELOOP);
    }
    fd.reset(::open(path.c_str(), flags));
  }
  if (!fd && errno == EACCES) {
    fd.reset(::open(path.c_str(), (flags & ~O_RDWR) | O_WRONLY | O_NOFOLLOW));
  }
  if (!fd) return fail_errno("cannot open file", errno);
  return fd;
}

}  // namespace

Result<MboxWriter> MboxWriter::open(const std::string& path,
                                    const LockOptions& locks,
                                    bool weak_dotlock) {
  MboxWriter out;
  out.path_ = path;
  struct stat before;
  bool device = stat(path.c_str(), &before) == 0 && !S_ISREG(before.st_mode);
  if (locks.dotlock && !device) {
    auto lock = DotLock::acquire(path, locks);
    if (lock) {
      out.dot_lock_ = std::move(*lock);
    } else if (!weak_dotlock || lock.error().sys == EEXIST) {
      return fail(lock.error());
    }
  }
  auto opened = open_existing(path);
  if (!opened && opened.error().sys == ENOENT) {
    opened = UniqueFd(::open(
        path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!*opened) return fail_errno("cannot create file exclusively", errno);
    out.created_ = true;
  }
  if (!opened) return fail(opened.error());
  out.fd_ = std::move(*opened);
  if (fstat(out.fd_.get(), &out.info_) != 0) return fail_errno("stat", errno);
  if (!S_ISREG(out.info_.st_mode)) return out;
  if (out.info_.st_nlink != 1) {
    return fail_errno(fmt::format("file has {} hard links", out.info_.st_nlink),
                      EPERM);
  }
  TRY(lock_file(out.fd_.get(), locks));
  if (fstat(out.fd_.get(), &out.info_) != 0) return fail_errno("stat", errno);
  return out;
}

Result<> MboxWriter::give_to(uid_t uid, gid_t gid) {
  if (fchown(fd_.get(), uid, gid) != 0) return fail_errno("fchown", errno);
  info_.st_uid = uid;
  return {};
}

Result<> MboxWriter::write(const Fill& fill, size_t limit) {
  std::string buffer;
  size_t size = static_cast<size_t>(info_.st_size);
  for (bool more = true; more;) {
    buffer.clear();
    more = TRY(fill(buffer));
    size += buffer.size();
    if (limit != 0 && S_ISREG(info_.st_mode) && size > limit) {
      return fail_errno("error writing message", EFBIG);
    }
    TRY(write_all(fd_.get(), buffer));
  }
  if (S_ISREG(info_.st_mode) && fsync(fd_.get()) != 0) {
    return fail_errno("fsync", errno);
  }
  // A new name must last as long as what stands under it.
  if (created_) TRY(sync_directory_of(path_));
  return {};
}

Result<> MboxWriter::append(const Fill& fill, size_t limit) {
  auto written = write(fill, limit);
  if (written || !S_ISREG(info_.st_mode)) return written;
  if (ftruncate(fd_.get(), info_.st_size) != 0) {
    return fail_errno(fmt::format("{}; truncate", written.error().what), errno);
  }
  return written;
}

}  // namespace mail::mailbox
