#include "tools/doveadm/ask.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/file.h"
#include "common/net/address.h"

namespace mail::doveadm {

namespace {
constexpr size_t kAnswerLimit = 64 << 20;
}

std::vector<std::string> ask_socket(Context& context, const std::string& path,
                                    std::string_view text, size_t most) {
  net::Endpoint where;
  where.path = path;
  sockaddr_storage address{};
  auto size = where.to_sockaddr(address);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!size || !fd ||
      connect(fd.get(), reinterpret_cast<sockaddr*>(&address), *size) != 0) {
    context.fatal(
        fmt::format("net_connect_unix({}) failed: {}", path, strerror(errno)));
  }
  (void)write_all(fd.get(), text);  // else the answer is missing
  std::vector<std::string> lines;
  std::string rest;
  size_t received = 0;
  char buffer[65536];
  while (true) {
    size_t end = rest.find('\n');
    if (end != std::string::npos) {
      std::string line = rest.substr(0, end);
      rest.erase(0, end + 1);
      if (line.empty()) return lines;
      lines.push_back(std::move(line));
      if (lines.size() == most) return lines;
      continue;
    }
    ssize_t n = read(fd.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    received += n > 0 ? static_cast<size_t>(n) : 0;
    if (n <= 0 || received > kAnswerLimit) {
      context.fatal(fmt::format("read({}) failed: EOF", path));
    }
    rest.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace mail::doveadm
