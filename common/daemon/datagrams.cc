#include "common/daemon/datagrams.h"

#include <sys/socket.h>

#include <array>

namespace mail::daemon {

struct DatagramBatch::Buffers {
  std::array<std::array<char, kLength>, kMost> bytes;
  std::array<iovec, kMost> pieces;
  std::array<mmsghdr, kMost> messages;
  std::array<std::string_view, kMost> texts;
};

// Not value-initialised: a page is touched when a datagram first comes there.
DatagramBatch::DatagramBatch() : buffers_(new Buffers) {
  for (size_t i = 0; i < kMost; ++i) {
    buffers_->pieces[i] = {buffers_->bytes[i].data(), kLength};
    buffers_->messages[i] = {};
    buffers_->messages[i].msg_hdr.msg_iov = &buffers_->pieces[i];
    buffers_->messages[i].msg_hdr.msg_iovlen = 1;
  }
}

DatagramBatch::~DatagramBatch() = default;

std::span<const std::string_view> DatagramBatch::receive(int socket) {
  int count =
      recvmmsg(socket, buffers_->messages.data(), kMost, MSG_DONTWAIT, nullptr);
  if (count <= 0) return {};
  auto received = static_cast<size_t>(count);
  for (size_t i = 0; i < received; ++i) {
    buffers_->texts[i] = {buffers_->bytes[i].data(),
                          buffers_->messages[i].msg_len};
  }
  return std::span(buffers_->texts).first(received);
}

}  // namespace mail::daemon
