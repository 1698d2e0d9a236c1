#include "common/daemon/status.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "common/base/number.h"

namespace mail::daemon {

StatusChannel::StatusChannel(unsigned generation)
    : stream_(UniqueFd(kFd)), generation_(generation) {}

Result<StatusChannel> StatusChannel::open() {
  if (fcntl(kFd, F_GETFD) < 0) {
    return fail(Fault::Config, "do not run this command by hand");
  }
  fcntl(kFd, F_SETFD, FD_CLOEXEC);
  const char* text = getenv("GENERATION");
  auto generation = parse_number<unsigned>(text ? text : "0", 8);
  if (!generation) return fail(Fault::Config, "bad generation");
  return StatusChannel(*generation);
}

bool StatusChannel::say_available(bool available) {
  if (available == available_) return true;
  int message[3] = {static_cast<int>(getpid()), static_cast<int>(generation_),
                    available ? 1 : 0};
  ssize_t n = send(stream_.fd(), message, sizeof(message), MSG_NOSIGNAL);
  if (n != sizeof(message)) return false;
  available_ = available;
  return true;
}

net::Task<> StatusChannel::closed() {
  // The master never writes: whatever can be read is its end.
  auto got = co_await stream_.fill(net::Deadline::never());
  (void)got;
}

}  // namespace mail::daemon
