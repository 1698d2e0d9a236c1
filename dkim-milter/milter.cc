#include "dkim-milter/milter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/base/unique_fd.h"
#include "dkim-milter/version.h"

namespace mail::dkim_milter {

namespace {

char* mutable_text(const std::string& text) {
  return const_cast<char*>(text.c_str());
}

/// Behind Nagle's algorithm and delayed acknowledgements each message would
/// stall for 40 ms. Linux hands a listener's options on to what it accepts.
void set_options(int listener) {
  int on = 1;
  (void)setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  (void)setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/// libmilter keeps the descriptor to itself.
UniqueFd find_listener() {
  DIR* directory = opendir("/proc/self/fd");
  int highest = 1024;
  for (dirent* entry; directory && (entry = readdir(directory));) {
    if (auto fd = parse_number<int>(entry->d_name)) {
      highest = std::max(highest, *fd);
    }
  }
  if (directory) closedir(directory);
  for (int fd = 3; fd <= highest; ++fd) {
    int listens = 0;
    socklen_t size = sizeof(listens);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
        listens) {
      return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    }
  }
  return UniqueFd();
}

}  // namespace

std::string local_socket_path(const std::string& socket) {
  size_t colon = socket.find(':');
  if (colon == std::string::npos) return socket;
  std::string type = lower(std::string_view(socket).substr(0, colon));
  if (type == "local" || type == "unix") return socket.substr(colon + 1);
  return "";
}

Result<> remove_stale_socket(const std::string& socket) {
  std::string path = local_socket_path(socket);
  if (path.empty()) return {};
  sockaddr_un address{};
  if (path.size() >= sizeof(address.sun_path)) {
    return fail_errno("", ENAMETOOLONG);
  }
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
                sizeof(address)) == 0) {
    return fail(Fault::Temporary, strerror(EADDRINUSE));
  }
  if (errno == ENOENT) return {};
  if (errno != ECONNREFUSED) return fail(Fault::Temporary, strerror(errno));
  if (unlink(path.c_str()) < 0) return fail(Fault::Temporary, strerror(errno));
  return {};
}

Result<UniqueFd> open_milter(const std::string& socket, int debug_level) {
  static std::string name(kProduct);
  smfiDesc description{};
  description.xxfi_name = name.data();
  description.xxfi_version = SMFI_VERSION;
  if (smfi_register(description) != MI_SUCCESS) {
    return fail(Fault::Config, "smfi_register() failed");
  }
  if (debug_level > 0) smfi_setdbg(debug_level);
  if (smfi_setconn(mutable_text(socket)) != MI_SUCCESS) {
    return fail(Fault::Config, "smfi_setconn() failed");
  }
  if (smfi_opensocket(false) != MI_SUCCESS) {
    return fail(Fault::Config, "smfi_opensocket() failed");
  }
  UniqueFd listener = find_listener();
  if (!listener) return fail(Fault::Config, "smfi_opensocket() failed");
  set_options(listener.get());
  return listener;
}

std::string milter_library_version() {
  unsigned major = 0, minor = 0, patch = 0;
  smfi_version(&major, &minor, &patch);
  return fmt::format("{}.{}.{}", major, minor, patch);
}

std::string milter_interface_version() {
  return fmt::format("0x{:x}", SMFI_VERSION);
}

}  // namespace mail::dkim_milter
