#include "master/dovecot/systemd.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/base/unique_fd.h"

namespace mail::dovecot {

void notify_systemd(std::string_view text) {
  const char* path = getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!path || (path[0] != '/' && path[0] != '@') ||
      strlen(path) >= sizeof address.sun_path) {
    return;
  }
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path, strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto size = offsetof(sockaddr_un, sun_path) + strlen(path);
  sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL,
         reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(size));
}

}  // namespace mail::dovecot
