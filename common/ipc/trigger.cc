#include "common/ipc/trigger.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/unique_fd.h"
#include "common/net/listener.h"

namespace mail::ipc {

net::Task<Result<>> trigger(std::string path, std::string bytes,
                            net::Deadline deadline) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode)) {
    UniqueFd fifo(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fifo) co_return fail_errno("open " + path, errno);
    if (write(fifo.get(), bytes.data(), bytes.size()) < 0) {
      co_return fail_errno("write " + path, errno);
    }
    co_return Result<>{};
  }
  auto connected = co_await net::connect_unix(path, deadline);
  UniqueFd fd = CO_TRY(connected);
  bytes += '\0';
  // A few bytes always fit an empty socket buffer; the receiver may have
  // closed already, which is its right.
  [[maybe_unused]] ssize_t n =
      send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  co_return Result<>{};
}

}  // namespace mail::ipc
