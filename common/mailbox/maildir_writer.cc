#include "common/mailbox/maildir_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/file.h"

namespace mail::mailbox {

namespace {

Result<> make_directories(const std::string& path) {
  for (size_t at = 1; at <= path.size(); ++at) {
    at = std::min(path.find('/', at), path.size());
    std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), 0700) == 0 || errno == EEXIST) continue;
    struct stat info;
    int error = errno;
    // A parent that is there need not be ours to write in.
    if (stat(part.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) continue;
    return fail_errno(fmt::format("mkdir {}", part), error);
  }
  return {};
}

/// tmp/, new/ and cur/ under `base`, which ends with a slash.
Result<> make_maildir(const std::string& base) {
  for (const char* part : {"tmp", "new", "cur"}) {
    TRY(make_directories(base + part));
  }
  return {};
}

UniqueFd create(const std::string& path) {
  return UniqueFd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

Result<> write_synced(int fd, const Fill& fill, size_t limit) {
  std::string buffer;
  size_t size = 0;
  for (bool more = true; more;) {
    buffer.clear();
    more = TRY(fill(buffer));
    size += buffer.size();
    if (limit != 0 && size > limit) {
      return fail_errno("error writing message", EFBIG);
    }
    TRY(write_all(fd, buffer));
  }
  if (fsync(fd) != 0) return fail_errno("fsync", errno);
  return {};
}

}  // namespace

Result<> deliver_to_maildir(const std::string& path, const std::string& host,
                            const Fill& fill, size_t limit) {
  std::string base = path.ends_with('/') ? path : path + "/";
  timeval now;
  gettimeofday(&now, nullptr);
  std::string temporary =
      fmt::format("{}tmp/{}.P{}.{}", base, now.tv_sec, getpid(), host);
  UniqueFd fd = create(temporary);
  if (!fd && errno == ENOENT) {
    if (auto made = make_maildir(base); !made) {
      return fail_errno(fmt::format("create maildir file {}", temporary),
                        made.error().sys);
    }
    fd = create(temporary);
  }
  if (!fd && errno == EEXIST) {
    // Left by a process of this number that did not live to remove it.
    unlink(temporary.c_str());
    fd = create(temporary);
  }
  if (!fd) {
    return fail_errno(fmt::format("create maildir file {}", temporary), errno);
  }
  auto deliver = [&]() -> Result<> {
    TRY(write_synced(fd.get(), fill, limit));
    struct stat info;
    if (fstat(fd.get(), &info) != 0) return fail_errno("stat", errno);
    std::string name =
        fmt::format("{}new/{}.V{:x}I{:x}M{}.{}", base, now.tv_sec,
                    static_cast<unsigned long>(info.st_dev),
                    static_cast<unsigned long>(info.st_ino), now.tv_usec, host);
    if (link(temporary.c_str(), name.c_str()) != 0) {
      if (errno != ENOENT) return fail_errno("link " + name, errno);
      TRY(make_maildir(base));
      if (link(temporary.c_str(), name.c_str()) != 0) {
        return fail_errno("link " + name, errno);
      }
    }
    return sync_directory_of(name);
  };
  auto delivered = deliver();
  unlink(temporary.c_str());
  return delivered;
}

}  // namespace mail::mailbox
