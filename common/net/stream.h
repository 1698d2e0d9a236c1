#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/net/deadline.h"
#include "common/net/descriptor.h"
#include "common/net/filter.h"
#include "common/net/task.h"

namespace mail::net {

/// A connected socket with buffers. One task reads, one writes (mostly the
/// same). Idle streams hold no buffers. Errors of every wait: sys is ETIMEDOUT
/// when the deadline passed, else the errno of the system call.
///
///   while (true) {                                    // a server's heart
///     engine.receive(stream.input());
///     stream.consume(stream.input().size());
///     ...
///     auto sent = co_await stream.flush(deadline);    // one write
///     auto got = co_await stream.fill(deadline);      // wait, one read
///     if (!got || *got == 0) break;                   // error / end of file
///   }
class Stream {
 public:
  /// One read at the most, and what a caller may leave unconsumed.
  static constexpr size_t kReadSize = 65536;
  static constexpr size_t kInputLimit = 4 << 20;

  Stream() = default;
  explicit Stream(UniqueFd fd);
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;

  explicit operator bool() const { return descriptor_ != nullptr; }
  int fd() const { return descriptor_->fd(); }
  /// Gives the descriptor away and empties the stream.
  UniqueFd release();
  void close() { *this = Stream(); }

  /// What has come and is not yet consumed; valid until fill() or consume().
  std::string_view input() const {
    return std::string_view(input_).substr(consumed_);
  }
  void consume(size_t n);
  /// Puts bytes in front of input(), as if they had come first.
  void unread(std::string_view bytes) { input_.insert(consumed_, bytes); }

  /// Waits for more input. Returns how many bytes were added; 0: end of file.
  Task<Result<size_t>> fill(Deadline deadline) {
    return fill(deadline, kReadSize);
  }
  /// The same, but takes no more than `most` from the descriptor, for one that
  /// will be given away (a filter may make more of them).
  Task<Result<size_t>> fill(Deadline deadline, size_t most);

  /// To be sent by flush(); append to it.
  std::string& output() { return output_; }
  void write(std::string_view bytes) { output_.append(bytes); }
  /// Sends all of output(). Does nothing, without waiting, when it is empty.
  Task<Result<>> flush(Deadline deadline);
  /// Sends `bytes` (they must live until it ends) after output(), uncopied.
  Task<Result<>> send(std::string_view bytes, Deadline deadline);

  /// From now on everything passes through `filter`. Input not yet consumed
  /// is dropped: who sent it ahead of the handshake must not be believed.
  void set_filter(std::unique_ptr<Filter> filter);
  Filter* filter() { return filter_.get(); }
  /// Moves the bytes of a handshake until `finished()` says so.
  /// Errors: of the filter; ECONNRESET "lost connection" at end of file.
  Task<Result<>> handshake(std::unique_ptr<Filter> filter,
                           bool (*finished)(Filter&), Deadline deadline);
  /// Tells the peer of the end (close_notify), without waiting for it.
  void say_goodbye();

  /// Passes a descriptor over a Unix stream socket, with one byte 0.
  Task<Result<>> send_fd(int fd, Deadline deadline);
  /// Receives one; input() must be empty.
  Task<Result<UniqueFd>> receive_fd(Deadline deadline);

 private:
  Task<Result<size_t>> read_some(Deadline deadline, size_t most);
  Task<Result<>> write_wire(std::string_view bytes, Deadline deadline);

  std::unique_ptr<Descriptor> descriptor_;
  std::unique_ptr<Filter> filter_;
  std::string input_;
  size_t consumed_ = 0;
  std::string output_;
  bool more_likely_ = false;  // the last read filled the buffer
};

}  // namespace mail::net
