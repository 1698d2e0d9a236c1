#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include "common/config/postfix/settings.h"
#include "queue/qmgr/destination.h"

namespace mail::qmgr {

struct Transport;

/// Where mail of one transport goes to: a next hop (or, when only one
/// recipient may go at a time, one recipient).
struct Destination {
  Destination(Transport& t, std::string n, std::string hop);
  Transport& transport;
  std::string name, nexthop;
  Window window;
  int busy = 0;
  std::deque<Entry> waiting;
  ipc::Dsn trouble;         ///< why it is dead
  Instant last_finished{};  ///< for connection reuse and rate delays
  bool paced = false;       ///< a rate delay runs
};

/// One delivery service of master.cf.
struct Transport {
  std::string name;
  WindowLimits limits;
  size_t recipient_limit = 50;
  Duration rate_delay{}, transport_rate_delay{};
  size_t busy = 0;
  Instant dead_until{};  ///< its agent does not answer
  bool paced = false;
  std::map<std::string, std::unique_ptr<Destination>> destinations;

  bool dead(Instant now) const { return now < dead_until; }
  Destination& destination(const std::string& name, const std::string& nexthop);
  /// Forgets destinations that have nothing to say any more.
  void tidy(Instant now);
};

/// Errors: Config, of a parameter of this transport.
Result<std::unique_ptr<Transport>> open_transport(
    const config::Settings& settings, const std::string& name);

/// The name of the queue that a recipient waits in.
std::string queue_name(const Transport& transport, const std::string& nexthop,
                       const std::string& recipient,
                       std::string_view delimiters);

}  // namespace mail::qmgr
