#include "master/dovecot/listeners.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/base/number.h"
#include "common/net/address.h"

namespace mail::dovecot {

namespace {

int backlog_of(const Spec& spec) {
  unsigned long wanted =
      static_cast<unsigned long>(spec.process_limit) * spec.client_limit;
  return static_cast<int>(std::clamp(wanted, 4ul, 65535ul));
}

net::Endpoint endpoint_of(const Listener& listener) {
  net::Endpoint where;
  if (listener.kind != Listener::Kind::Inet) {
    where.path = listener.path;
    return where;
  }
  std::string text = listener.address;
  if (text == "*") text = "0.0.0.0";
  if (text == "[::]") text = "::";
  if (auto address = net::IpAddress::parse(text)) where.address = *address;
  where.port = static_cast<uint16_t>(listener.port);
  return where;
}

/// Errno of the step that failed; 0: open.
int open_inet(const Spec& spec, Listener& listener) {
  auto where = endpoint_of(listener);
  sockaddr_storage storage;
  auto size = where.to_sockaddr(storage);
  if (!size) return EINVAL;
  UniqueFd fd(
      socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  if (listener.reuse_port) {
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (storage.ss_family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), *size) != 0 ||
      listen(fd.get(), backlog_of(spec)) != 0) {
    return errno;
  }
  listener.fd = std::move(fd);
  return 0;
}

int open_unix(const Spec& spec, Listener& listener) {
  sockaddr_storage storage;
  auto size = endpoint_of(listener).to_sockaddr(storage);
  if (!size) return ENAMETOOLONG;
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  // Nobody but the master makes sockets of these names: an old one is dead.
  unlink(listener.path.c_str());
  mode_t before = umask(0777 ^ listener.mode);
  int done = bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), *size);
  umask(before);
  if (done != 0 || listen(fd.get(), backlog_of(spec)) != 0) return errno;
  listener.fd = std::move(fd);
  return 0;
}

int open_fifo(Listener& listener) {
  unlink(listener.path.c_str());
  if (mkfifo(listener.path.c_str(), listener.mode) != 0) return errno;
  // Both ends, so that it never ends.
  UniqueFd fd(open(listener.path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno;
  listener.fd = std::move(fd);
  return 0;
}

std::string what_failed(const Spec& spec, const Listener& listener, int error) {
  if (listener.kind == Listener::Kind::Inet) {
    return fmt::format("service({}): listen({}, {}) failed: {}", spec.name,
                       listener.address, listener.port, strerror(error));
  }
  return fmt::format(
      "service({}): {}({}) failed: {}", spec.name,
      listener.kind == Listener::Kind::Fifo ? "mkfifo" : "net_listen_unix",
      listener.path, strerror(error));
}

}  // namespace

std::vector<std::string> open_listeners(std::vector<Spec>& services,
                                        const OpenListeners& before) {
  std::vector<std::string> errors;
  for (auto& spec : services) {
    for (auto& listener : spec.listeners) {
      if (listener->fd) continue;  // systemd's
      auto known = before.find(listener->key());
      if (known != before.end()) {
        listener->fd.reset(
            fcntl(known->second->fd.get(), F_DUPFD_CLOEXEC, 100));
        if (listener->kind != Listener::Kind::Inet) {
          chmod(listener->path.c_str(), listener->mode);
        }
      }
      int error = 0;
      if (!listener->fd) {
        error = listener->kind == Listener::Kind::Inet
                    ? open_inet(spec, *listener)
                : listener->kind == Listener::Kind::Unix
                    ? open_unix(spec, *listener)
                    : open_fifo(*listener);
      }
      if (error != 0) {
        errors.push_back(what_failed(spec, *listener, error));
      } else if (listener->kind != Listener::Kind::Inet && geteuid() == 0 &&
                 chown(listener->path.c_str(), listener->owner.uid,
                       listener->owner.gid) != 0) {
        errors.push_back(fmt::format("service({}): chown({}) failed: {}",
                                     spec.name, listener->path,
                                     strerror(errno)));
      }
    }
  }
  return errors;
}

OpenListeners by_key(const std::vector<Spec>& services) {
  OpenListeners out;
  for (const auto& spec : services) {
    for (const auto& listener : spec.listeners) {
      out.emplace(listener->key(), listener);
    }
  }
  return out;
}

std::vector<std::string> adopt_systemd_sockets(std::vector<Spec>& services) {
  constexpr int kFirst = 3;
  std::vector<std::string> warnings;
  const char* count_text = getenv("LISTEN_FDS");
  const char* pid_text = getenv("LISTEN_PID");
  auto count = parse_number<int>(count_text ? count_text : "");
  auto pid = parse_number<int>(pid_text ? pid_text : "");
  if (!count || !pid || *pid != getpid()) return warnings;
  for (int i = 0; i < std::min(*count, 1000); ++i) {
    UniqueFd fd(fcntl(kFirst + i, F_DUPFD_CLOEXEC, 100));
    close(kFirst + i);
    auto bound = net::Endpoint::local_of(fd.get());
    bool used = false;
    for (auto& spec : services) {
      for (auto& listener : spec.listeners) {
        auto wanted = endpoint_of(*listener);
        if (used || listener->fd || !(wanted == bound)) continue;
        listener->fd = std::move(fd);
        used = true;
      }
    }
    if (!used) {
      warnings.push_back(fmt::format(
          "systemd listens on port {}, but it's not configured in Dovecot. "
          "Closing.",
          bound.port));
    }
  }
  return warnings;
}

void remove_files(const OpenListeners& listeners, const OpenListeners& kept) {
  for (const auto& [key, listener] : listeners) {
    if (listener->kind == Listener::Kind::Inet || kept.contains(key)) continue;
    unlink(listener->path.c_str());
  }
}

}  // namespace mail::dovecot
