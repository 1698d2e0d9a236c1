#include "master/wakeup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/log/log.h"
#include "common/net/listener.h"
#include "common/net/stream.h"

namespace mail::master {

using config::ServiceType;

namespace {

constexpr std::chrono::seconds kPatience{10};

void write_fifo(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd || write(fd.get(), "W", 1) != 1) {
    log::warning(fmt::format("write {}: {}", path, strerror(errno)));
  }
}

/// The service may be content with the first byte and be gone.
net::Task<> say_w(net::Stream* stream) {
  for (std::string_view part :
       {std::string_view("W"), std::string_view("\0", 1)}) {
    auto sent = co_await stream->send(part, net::Deadline::in(kPatience));
    if (!sent) co_return;
  }
  auto closed = co_await stream->fill(net::Deadline::in(kPatience));
  (void)closed;
}

net::Task<> pass_pipe(net::Stream* stream) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) co_return;
  UniqueFd reader(ends[0]), writer(ends[1]);
  auto passed =
      co_await stream->send_fd(reader.get(), net::Deadline::in(kPatience));
  if (!passed) co_return;
  reader.reset();
  [[maybe_unused]] auto n = write(writer.get(), "W\0", 2);
  auto closed = co_await stream->fill(net::Deadline::in(kPatience));
  (void)closed;
}

}  // namespace

net::Endpoint wakeup_address(const ServiceSpec& spec) {
  net::Endpoint where;
  if (!spec.is_inet()) {
    where.path = spec.socket;
    return where;
  }
  where = spec.addresses.front();
  if (where.address.is_any()) {
    where.address =
        *net::IpAddress::parse(where.address.is_v4() ? "127.0.0.1" : "::1");
  }
  return where;
}

net::Task<> wake_up(ServiceType type, net::Endpoint where) {
  if (type == ServiceType::Fifo) {
    write_fifo(where.path);
    co_return;
  }
  if (type == ServiceType::UnixDgram) co_return;  // has no connections
  auto fd = co_await net::connect_to(where, net::Deadline::in(kPatience));
  if (!fd) {
    log::warning(fd.error().what);
    co_return;
  }
  net::Stream stream(std::move(*fd));
  if (type == ServiceType::Pass) {
    co_await pass_pipe(&stream);
  } else {
    co_await say_w(&stream);
  }
}

}  // namespace mail::master
