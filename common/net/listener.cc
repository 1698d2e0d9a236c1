#include "common/net/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace mail::net {

namespace {

Result<UniqueFd> make_socket(const Endpoint& where) {
  int family = !where.path.empty()     ? AF_UNIX
               : where.address.is_v4() ? AF_INET
                                       : AF_INET6;
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket", errno);
  if (family != AF_UNIX) {
    int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  return fd;
}

}  // namespace

Result<UniqueFd> Listener::bind(const Endpoint& where, int backlog) {
  UniqueFd fd = TRY(make_socket(where));
  sockaddr_storage storage;
  socklen_t size = TRY(where.to_sockaddr(storage));
  int on = 1;
  if (!where.path.empty()) {
    unlink(where.path.c_str());
  } else {
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (where.address.is_v6()) {
      setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
  }
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0 ||
      ::listen(fd.get(), backlog) != 0) {
    return fail_errno("bind " + where.text(), errno);
  }
  return fd;
}

Task<Result<UniqueFd>> Listener::accept() {
  while (true) {
    auto ready = co_await descriptor_.readable(Deadline::never());
    CO_CHECK(ready);
    UniqueFd fd(accept4(descriptor_.fd(), nullptr, nullptr,
                        SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) co_return fd;
    switch (errno) {
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
      case EBADF:
      case EINVAL:
        co_return fail_errno("accept", errno);
      default:
        break;  // a sibling was faster, or the client is gone already
    }
  }
}

Task<Result<UniqueFd>> connect_to(Endpoint where, Deadline deadline,
                                  std::optional<IpAddress> from) {
  std::string what = "connect to " + where.text();
  UniqueFd fd = CO_TRY(make_socket(where));
  sockaddr_storage storage;
  if (from) {
    Endpoint source{*from, 0, {}};
    socklen_t size = CO_TRY(source.to_sockaddr(storage));
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) {
      co_return fail_errno("bind " + source.address.text(), errno);
    }
  }
  socklen_t size = CO_TRY(where.to_sockaddr(storage));
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  while (::connect(fd.get(), address, size) != 0) {
    if (errno == EINTR) continue;
    if (errno == EINPROGRESS) break;
    // The backlog of a Unix socket is full, and epoll cannot wait for that.
    if (errno != EAGAIN) co_return fail_errno(what, errno);
    if (deadline.passed()) co_return fail_errno(what, ETIMEDOUT);
    co_await sleep(std::chrono::milliseconds(5));
  }
  if (!where.path.empty()) co_return fd;
  Descriptor descriptor(std::move(fd));
  auto ready = co_await descriptor.writable(deadline);
  if (!ready) co_return fail_errno(what, ready.error().sys);
  int error = 0;
  socklen_t length = sizeof(error);
  getsockopt(descriptor.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) co_return fail_errno(what, error);
  co_return descriptor.release();
}

Task<Result<UniqueFd>> connect_to(Endpoint where, Deadline deadline) {
  return connect_to(std::move(where), deadline, std::nullopt);
}

Task<Result<UniqueFd>> connect_unix(std::string path, Deadline deadline) {
  Endpoint where;
  where.path = std::move(path);
  return connect_to(std::move(where), deadline, std::nullopt);
}

}  // namespace mail::net
