#include "common/net/passing.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace mail::net {
namespace {

ssize_t send_once(int socket, std::string_view bytes, int fd) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(int));
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

UniqueFd first_descriptor(msghdr& message) {
  UniqueFd first;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      UniqueFd passed(fd);
      if (!first) first = std::move(passed);
    }
  }
  return first;
}

}  // namespace

Task<Result<>> send_passing(Descriptor& socket, std::string_view bytes, int fd,
                            Deadline deadline) {
  while (!bytes.empty()) {
    ssize_t n = send_once(socket.fd(), bytes, fd);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
      fd = -1;  // went with the first byte
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return fail_errno("sendmsg", errno);
    auto ready = co_await socket.writable(deadline);
    CO_CHECK(ready);
  }
  co_return Result<>{};
}

Task<Result<Passed>> receive_passing(Descriptor& socket, size_t most,
                                     Deadline deadline) {
  while (true) {
    auto ready = co_await socket.readable(deadline);
    CO_CHECK(ready);
    Passed passed;
    passed.bytes.resize(most);
    iovec piece{passed.bytes.data(), most};
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t n =
        ::recvmsg(socket.fd(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) co_return fail_errno("recvmsg", errno);
    passed.fd = first_descriptor(message);
    if (message.msg_flags & MSG_TRUNC) {
      co_return fail(Fault::Protocol, "message too large");
    }
    passed.bytes.resize(static_cast<size_t>(n));
    // Who keeps the message must not keep room for the largest one.
    passed.bytes.shrink_to_fit();
    co_return passed;
  }
}

Result<Pair> make_pair(PairKind kind) {
  int fds[2];
  int type = kind == PairKind::Stream ? SOCK_STREAM : SOCK_SEQPACKET;
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
    return fail_errno("socketpair", errno);
  }
  return Pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace mail::net
