#pragma once

#include <memory>
#include <span>
#include <string_view>

namespace mail::daemon {

/// Takes many datagrams from a socket with one system call.
class DatagramBatch {
 public:
  static constexpr size_t kMost = 32;      ///< at a time
  static constexpr size_t kLength = 8192;  ///< bytes; of a longer one the head

  DatagramBatch();
  ~DatagramBatch();
  /// Those that wait, in order; none: nothing waits. Valid until the next call.
  std::span<const std::string_view> receive(int socket);

 private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace mail::daemon
