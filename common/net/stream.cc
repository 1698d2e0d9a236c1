#include "common/net/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/base/check.h"

namespace mail::net {

namespace {
// One for all streams of the thread, so that idle ones need none.
std::array<char, Stream::kReadSize>& scratch() {
  thread_local auto buffer =
      std::make_unique<std::array<char, Stream::kReadSize>>();
  return *buffer;
}
}  // namespace

Stream::Stream(UniqueFd fd)
    : descriptor_(std::make_unique<Descriptor>(std::move(fd))) {}

UniqueFd Stream::release() {
  UniqueFd fd = descriptor_->release();
  close();
  return fd;
}

void Stream::consume(size_t n) {
  consumed_ += n;
  CHECK(consumed_ <= input_.size());
  if (consumed_ < input_.size()) return;
  consumed_ = 0;
  if (input_.capacity() > 1024) {
    std::string().swap(input_);
  } else {
    input_.clear();
  }
}

Task<Result<size_t>> Stream::read_some(Deadline deadline, size_t most) {
  bool wait_first = !more_likely_;
  while (true) {
    if (wait_first) {
      auto ready = co_await descriptor_->readable(deadline);
      CO_CHECK(ready);
    }
    auto& buffer = scratch();
    size_t room = std::min(most, buffer.size());
    ssize_t n = ::read(fd(), buffer.data(), room);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      wait_first = true;
      continue;
    }
    if (n < 0) co_return fail_errno("read", errno);
    more_likely_ = static_cast<size_t>(n) == room;
    co_return static_cast<size_t>(n);
  }
}

Task<Result<size_t>> Stream::fill(Deadline deadline, size_t most) {
  if (input_.size() - consumed_ >= kInputLimit) {
    co_return fail(Fault::Protocol, "too much unread input");
  }
  while (true) {
    if (filter_ && filter_->at_end()) co_return size_t{0};
    auto read = co_await read_some(deadline, most);
    size_t n = CO_TRY(read);
    if (n == 0) co_return size_t{0};
    if (consumed_ > 0) {
      input_.erase(0, consumed_);
      consumed_ = 0;
    }
    std::string_view received(scratch().data(), n);
    if (!filter_) {
      input_.append(received);
      co_return n;
    }
    size_t before = input_.size();
    std::string wire;
    auto decoded = filter_->decode(received, input_, wire);
    if (!wire.empty()) {
      auto sent = co_await write_wire(wire, deadline);
      if (decoded) CO_CHECK(sent);
    }
    CO_CHECK(decoded);
    if (input_.size() > before) co_return input_.size() - before;
  }
}

Task<Result<>> Stream::write_wire(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK) {
      n = ::write(fd(), bytes.data(), bytes.size());
    }
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      auto ready = co_await descriptor_->writable(deadline);
      CO_CHECK(ready);
    } else if (errno != EINTR) {
      co_return fail_errno("write", errno);
    }
  }
  co_return Result<>{};
}

Task<Result<>> Stream::flush(Deadline deadline) {
  if (output_.empty()) co_return Result<>{};
  std::string bytes = std::exchange(output_, {});
  if (filter_) {
    std::string wire;
    CO_TRY(filter_->encode(bytes, wire));
    bytes = std::move(wire);
  }
  auto sent = co_await write_wire(bytes, deadline);
  co_return sent;
}

Task<Result<>> Stream::send(std::string_view bytes, Deadline deadline) {
  auto flushed = co_await flush(deadline);
  CO_CHECK(flushed);
  if (!filter_) {
    auto sent = co_await write_wire(bytes, deadline);
    co_return sent;
  }
  std::string wire;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, kReadSize);
    bytes.remove_prefix(piece.size());
    wire.clear();
    CO_TRY(filter_->encode(piece, wire));
    auto sent = co_await write_wire(wire, deadline);
    CO_CHECK(sent);
  }
  co_return Result<>{};
}

void Stream::set_filter(std::unique_ptr<Filter> filter) {
  consume(input().size());
  filter_ = std::move(filter);
}

Task<Result<>> Stream::handshake(std::unique_ptr<Filter> filter,
                                 bool (*finished)(Filter&), Deadline deadline) {
  set_filter(std::move(filter));
  std::string wire;
  // A client speaks first: an empty decode makes it say so.
  auto decoded = filter_->decode({}, input_, wire);
  while (true) {
    if (!wire.empty()) {
      auto sent = co_await write_wire(wire, deadline);
      if (decoded) CO_CHECK(sent);
      wire.clear();
    }
    CO_CHECK(decoded);
    if (finished(*filter_)) co_return Result<>{};
    auto read = co_await read_some(deadline, kReadSize);
    size_t n = CO_TRY(read);
    if (n == 0) co_return fail_errno("lost connection", ECONNRESET);
    decoded = filter_->decode({scratch().data(), n}, input_, wire);
  }
}

void Stream::say_goodbye() {
  if (!filter_ || !descriptor_) return;
  std::string wire;
  filter_->close(wire);
  // Best effort: the peer may be gone, and nobody waits for it.
  [[maybe_unused]] ssize_t n =
      ::send(fd(), wire.data(), wire.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

Task<Result<>> Stream::send_fd(int passed, Deadline deadline) {
  auto flushed = co_await flush(deadline);
  CO_CHECK(flushed);
  char byte = 0;
  iovec piece{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &passed, sizeof(int));
  while (::sendmsg(fd(), &message, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return fail_errno("sendmsg", errno);
    auto ready = co_await descriptor_->writable(deadline);
    CO_CHECK(ready);
  }
  co_return Result<>{};
}

Task<Result<UniqueFd>> Stream::receive_fd(Deadline deadline) {
  CHECK(input().empty());
  while (true) {
    auto ready = co_await descriptor_->readable(deadline);
    CO_CHECK(ready);
    char byte = 0;
    iovec piece{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t n = ::recvmsg(fd(), &message, MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) co_return fail_errno("recvmsg", errno);
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
          header->cmsg_len != CMSG_LEN(sizeof(int))) {
        continue;
      }
      int passed;
      memcpy(&passed, CMSG_DATA(header), sizeof(int));
      co_return UniqueFd(passed);
    }
    co_return fail(Fault::Protocol, "no descriptor was passed");
  }
}

}  // namespace mail::net
