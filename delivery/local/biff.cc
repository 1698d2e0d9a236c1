#include "delivery/local/biff.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/unique_fd.h"

namespace mail::local {

namespace {
constexpr uint16_t kBiffPort = 512;
}  // namespace

void tell_comsat(std::string_view user, long offset) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(kBiffPort);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string text = fmt::format("{}@{}", user, offset);
  // With its end, as comsat wants it; lost if nobody is there.
  (void)!sendto(fd.get(), text.c_str(), text.size() + 1, 0,
                reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

}  // namespace mail::local
