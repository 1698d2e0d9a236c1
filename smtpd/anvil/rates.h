#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/ipc/anvil.h"

namespace mail::anvil {

/// What one kind of event has come to at the most, for the statistics lines.
struct Maximum {
  int value = 0;
  std::string ident;
  WallTime at;
};

/// Counts what remote clients do, by ident ("smtp:192.0.2.1"). A client's
/// counters live while a connection of it is open, and until the time unit
/// has passed since its first event. Memory: one entry for each such client.
class Rates {
 public:
  enum Event { kConnect, kMessage, kRecipient, kNewTls, kAuth, kEvents };

  /// unit: anvil_rate_time_unit.
  explicit Rates(Duration unit) : unit_(unit) {}

  ipc::AnvilConnectReply connect(const std::string& ident, Instant now,
                                 WallTime wall);
  void disconnect(const std::string& ident, Instant now);
  /// One more event; the rate so far. Unknown idents count from now.
  int count(Event event, const std::string& ident, Instant now, WallTime wall);
  /// The rate as it stands.
  int rate(Event event, const std::string& ident, Instant now) const;
  int connections(const std::string& ident) const;

  /// Forgets clients that are gone and whose time unit has passed.
  void expire(Instant now);
  size_t size() const { return clients_.size(); }

  /// The statistics lines in Postfix's words, and a new count from here on.
  std::vector<std::string> take_statistics();

 private:
  struct Client {
    int open = 0;
    Instant since;
    int counts[kEvents] = {};
  };
  Client& current(const std::string& ident, Instant now);
  void note(Maximum& maximum, int value, const std::string& ident,
            WallTime wall);

  Duration unit_;
  std::map<std::string, Client, std::less<>> clients_;
  Maximum rates_[kEvents];
  Maximum open_;
  size_t max_size_ = 0;
  WallTime max_size_at_;
};

}  // namespace mail::anvil
