#include "common/daemon/standalone.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/file.h"
#include "common/daemon/service.h"

namespace mail::daemon {

namespace {

std::string read_input() {
  std::string buffer(65536, '\0');
  ssize_t n = read(STDIN_FILENO, buffer.data(), buffer.size());
  buffer.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return buffer;
}

// Files and terminals cannot be polled or must stay blocking (others share
// them), so the worker pool reads and writes them.
net::Task<> relay_both(UniqueFd inner) {
  auto stream = std::make_unique<net::Stream>(std::move(inner));
  struct Half {
    static net::Task<> input(net::Stream* to) {
      while (true) {
        std::function<std::string()> job = read_input;
        auto got = co_await run_blocking(std::move(job));
        if (got.empty()) break;
        to->write(got);
        auto sent = co_await to->flush(net::Deadline::never());
        if (!sent) break;
      }
      shutdown(to->fd(), SHUT_WR);
    }
  };
  net::TaskSet reader;
  reader.start(Half::input(stream.get()));
  while (true) {
    auto got = co_await stream->fill(net::Deadline::never());
    if (!got || *got == 0) break;
    std::string bytes(stream->input());
    stream->consume(bytes.size());
    std::function<bool()> job = [bytes] {
      return write_all(STDOUT_FILENO, bytes).has_value();
    };
    auto ok = co_await run_blocking(std::move(job));
    if (!ok) break;
  }
}

}  // namespace

Result<net::Stream> standalone_stream(net::TaskSet& relay) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return fail_errno("socketpair", errno);
  }
  relay.start(relay_both(UniqueFd(fds[0])));
  return net::Stream(UniqueFd(fds[1]));
}

}  // namespace mail::daemon
