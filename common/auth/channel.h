#pragma once

#include <string>
#include <string_view>

#include "common/net/condition.h"
#include "common/net/stream.h"
#include "common/net/task_set.h"

namespace mail::auth {

/// One connection to an authentication server that all tasks of a process
/// share, opened when it is needed and, when it broke, opened anew (a second
/// after a failure at the earliest), so that the order of starts does not
/// matter. A protocol is added by deriving.
class Channel {
 public:
  /// path: "private/auth", "unix:PATH", or "inet:host:port" with a literal
  /// address.
  Channel(std::string path, net::TaskSet& tasks);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  /// Connects now if it is not connected, and waits for the handshake, 10 s at
  /// the most. Errors: Temporary, the text names socket, reason and remedy.
  net::Task<Result<>> connect();
  bool connected() const { return ready_; }
  /// How many connections have ended: what a connection said holds while this
  /// stays.
  unsigned generation() const { return generation_; }
  /// Waits until the connection stands or has ended (or something else of
  /// this channel has changed).
  net::Condition::Waiter changed() { return changed_.wait(); }

 protected:
  /// What the client says first.
  virtual std::string greeting() const = 0;
  /// Before each connection: forget what the last one's handshake said.
  virtual void begin_handshake() = 0;
  /// One line of the server before the handshake is over; true: it is over.
  virtual bool take_handshake(std::string_view line) = 0;
  /// One line after that.
  virtual void take_line(std::string_view line) = 0;
  /// The connection has ended: nothing more will come.
  virtual void lost() = 0;

  /// Queues `line`, and sends if nobody else is sending.
  net::Task<Result<>> send(std::string line, net::Deadline deadline);
  void notify() { changed_.notify_all(); }

 private:
  net::Task<Result<>> open();
  net::Task<Result<>> shake_hands(net::Deadline deadline);
  net::Task<> read_answers();

  std::string path_;
  net::TaskSet& tasks_;
  net::Stream stream_;
  bool connecting_ = false, ready_ = false, writing_ = false;
  Instant not_before_{};
  std::string failure_;
  net::Condition changed_;
  unsigned generation_ = 0;
};

}  // namespace mail::auth
