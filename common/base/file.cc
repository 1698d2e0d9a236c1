#include "common/base/file.h"

#include <fcntl.h>

#include <cerrno>

namespace mail {

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode) {
  int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return fail_errno("open " + path, errno);
  return UniqueFd(fd);
}

Result<std::string> read_file(const std::string& path, size_t limit) {
  UniqueFd fd = TRY(open_file(path, O_RDONLY));
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return fail_errno("stat " + path, errno);
  std::string out;
  size_t expect = S_ISREG(info.st_mode) ? static_cast<size_t>(info.st_size) : 0;
  if (expect > limit) return fail(Fault::Protocol, path + ": file too large");
  out.resize(expect + 1);
  size_t have = 0;
  while (true) {
    if (have == out.size()) out.resize(out.size() * 2 + 4096);
    ssize_t n = ::read(fd.get(), out.data() + have, out.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + path, errno);
    if (n == 0) break;
    have += static_cast<size_t>(n);
    if (have > limit) return fail(Fault::Protocol, path + ": file too large");
  }
  out.resize(have);
  return out;
}

Result<> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write", errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<> sync_directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  std::string directory = slash == std::string::npos ? "."
                          : slash == 0               ? "/"
                                                     : path.substr(0, slash);
  UniqueFd fd = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  if (fsync(fd.get()) != 0) return fail_errno("fsync " + directory, errno);
  return {};
}

Result<> replace_file(const std::string& path, std::string_view bytes,
                      mode_t mode) {
  std::string temporary = path + ".tmp." + std::to_string(getpid());
  auto write_it = [&]() -> Result<> {
    UniqueFd fd = TRY(
        open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    TRY(write_all(fd.get(), bytes));
    if (fchmod(fd.get(), mode) != 0) {
      return fail_errno("chmod " + temporary, errno);
    }
    if (fsync(fd.get()) != 0) return fail_errno("fsync " + temporary, errno);
    if (rename(temporary.c_str(), path.c_str()) != 0) {
      return fail_errno("rename " + temporary, errno);
    }
    return {};
  };
  if (auto written = write_it(); !written) {
    unlink(temporary.c_str());
    return written;
  }
  return sync_directory_of(path);
}

}  // namespace mail
