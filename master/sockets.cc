#include "master/sockets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "common/base/clock.h"

namespace mail::master {

using config::ServiceType;

namespace {

constexpr int kHighDescriptor = 128;

Failure failed(std::string_view call, const std::string& what) {
  int error = errno;
  return fail_errno(fmt::format("{} {}", call, what), error);
}

/// Daemons of a master that was killed let go of their sockets, but it takes
/// them a moment: while we are new, another try is worth a wait.
bool wait_for_address() {
  static const Instant end = Clock::now() + std::chrono::seconds(5);
  if (Clock::now() >= end) return false;
  poll(nullptr, 0, 20);
  return true;
}

Result<UniqueFd> inet_socket(const net::Endpoint& where, int backlog) {
  std::string what =
      fmt::format("{} port {}", where.address.text(), where.port);
  int family = where.address.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed("socket", what);
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  sockaddr_storage storage;
  socklen_t size = TRY(where.to_sockaddr(storage));
  while (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    int error = errno;
    if (error != EADDRINUSE || !wait_for_address()) {
      errno = error;
      return failed("bind", what);
    }
  }
  if (listen(fd.get(), backlog) != 0) return failed("listen", what);
  return fd;
}

Result<UniqueFd> unix_socket(const std::string& path, int type, int backlog) {
  net::Endpoint where;
  where.path = path;
  sockaddr_storage storage;
  socklen_t size = TRY(where.to_sockaddr(storage));
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed("socket", path);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return failed("remove", path);
  }
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    return failed("bind:", path);
  }
  if (chmod(path.c_str(), 0666) != 0) return failed("chmod", path);
  if (type == SOCK_STREAM && listen(fd.get(), backlog) != 0) {
    return failed("listen:", path);
  }
  return fd;
}

Result<UniqueFd> fifo(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return failed("remove", path);
  }
  if (mkfifo(path.c_str(), 0622) != 0) return failed("create fifo", path);
  if (chmod(path.c_str(), 0622) != 0) return failed("chmod", path);
  // Read and write: without a writer the reader would see end of file.
  UniqueFd fd(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return failed("open", path);
  return fd;
}

Result<std::vector<UniqueFd>> inet_sockets(const ServiceSpec& spec,
                                           int backlog) {
  std::vector<UniqueFd> out;
  std::optional<Error> unsupported;
  for (const auto& where : spec.addresses) {
    auto fd = inet_socket(where, backlog);
    if (fd) {
      out.push_back(move_high(std::move(*fd)));
    } else if (fd.error().sys == EAFNOSUPPORT ||
               (where.address.is_any() && where.address.is_v6() &&
                fd.error().sys == EADDRNOTAVAIL)) {
      unsupported = fd.error();
    } else {
      return fail(std::move(fd.error()));
    }
  }
  if (out.empty() && unsupported) return fail(std::move(*unsupported));
  return out;
}

}  // namespace

UniqueFd move_high(UniqueFd fd) {
  int high = fcntl(fd.get(), F_DUPFD_CLOEXEC, kHighDescriptor);
  return high < 0 ? std::move(fd) : UniqueFd(high);
}

Result<std::vector<UniqueFd>> make_sockets(
    const ServiceSpec& spec, const std::optional<process::UserIds>& owner,
    int backlog) {
  if (spec.is_inet()) return inet_sockets(spec, backlog);
  std::optional<process::AsUser> user;
  if (owner) user.emplace(TRY(process::AsUser::become(*owner)));
  auto one = [&]() -> Result<UniqueFd> {
    switch (spec.line.type) {
      case ServiceType::Fifo:
        return fifo(spec.socket);
      case ServiceType::UnixDgram:
        return unix_socket(spec.socket, SOCK_DGRAM, backlog);
      default:
        return unix_socket(spec.socket, SOCK_STREAM, backlog);
    }
  };
  UniqueFd fd = TRY(one());
  std::vector<UniqueFd> out;
  out.push_back(move_high(std::move(fd)));
  return out;
}

}  // namespace mail::master
