#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "common/daemon/service.h"

// The pipe that master(8) shares among all daemons: the queue manager puts a
// byte in for each message it has taken up, receivers take one for each new.
namespace mail::daemon {

namespace {
constexpr int kReadFd = 3;
constexpr int kWriteFd = 4;

bool have_pipe() {
  // A program run by hand may have anything there: only a pipe is ours.
  static const bool pipes =
      fcntl(kReadFd, F_GETPIPE_SZ) > 0 && fcntl(kWriteFd, F_GETPIPE_SZ) > 0;
  return pipes;
}
}  // namespace

size_t flow_tokens() {
  int count = 0;
  if (!have_pipe() || ioctl(kReadFd, FIONREAD, &count) != 0) return 0;
  return static_cast<size_t>(count);
}

bool take_flow_token() {
  if (!have_pipe()) return true;
  if (flow_tokens() == 0) return false;
  int flags = fcntl(kReadFd, F_GETFL);
  if (!(flags & O_NONBLOCK)) fcntl(kReadFd, F_SETFL, flags | O_NONBLOCK);
  char byte;
  return read(kReadFd, &byte, 1) == 1;
}

void give_flow_tokens(size_t count) {
  if (!have_pipe()) return;
  int flags = fcntl(kWriteFd, F_GETFL);
  if (!(flags & O_NONBLOCK)) fcntl(kWriteFd, F_SETFL, flags | O_NONBLOCK);
  char bytes[256] = {};
  while (count > 0) {
    ssize_t n = write(kWriteFd, bytes, std::min(count, sizeof(bytes)));
    if (n <= 0) return;
    count -= static_cast<size_t>(n);
  }
}

}  // namespace mail::daemon
