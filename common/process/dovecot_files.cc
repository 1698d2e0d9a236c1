#include "common/process/dovecot_files.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <netdb.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/base/handle.h"
#include "common/base/unique_fd.h"

namespace mail::process {

namespace {

constexpr size_t kFileLimit = 16 << 20;

}  // namespace

Result<std::string> DovecotFiles::read(const std::string& path) {
  auto failed = [](int error) {
    return fail(Error{Fault::Config, strerror(error), error});
  };
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failed(errno);
  std::string out;
  char buffer[16384];
  while (out.size() < kFileLimit) {
    ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(errno);
    if (n == 0) return out;
    out.append(buffer, static_cast<size_t>(n));
  }
  return failed(EFBIG);
}

std::vector<std::string> DovecotFiles::glob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> out;
  if (::glob(pattern.c_str(), GLOB_BRACE, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i)
      out.push_back(found.gl_pathv[i]);
  }
  globfree(&found);
  return out;
}

std::string DovecotFiles::environment(const std::string& name) {
  const char* value = getenv(name.c_str());
  return value ? value : "";
}

std::vector<std::string> DovecotFiles::resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  std::vector<std::string> out;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return out;
  for (addrinfo* one = list; one; one = one->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr,
                    0, NI_NUMERICHOST) == 0) {
      out.push_back(text);
    }
  }
  freeaddrinfo(list);
  return out;
}

}  // namespace mail::process
