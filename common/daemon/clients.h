#pragma once

#include <vector>

#include "common/daemon/service.h"
#include "common/daemon/status.h"
#include "common/net/listener.h"

namespace mail::daemon {

/// Takes clients from the listening sockets and serves them, tells the master
/// when the process is full, and knows when it may end.
class Clients {
 public:
  struct Limits {
    size_t clients = 1;  ///< at the same time
    Duration max_idle;   ///< without a client, then end; 0: never
    size_t max_use = 0;  ///< clients served, then end; 0: no limit
  };
  Clients(Context& context, const Definition& definition, Service& service,
          std::optional<StatusChannel> status, Limits limits);
  ~Clients();

  /// sockets: listening descriptors (datagram: one bound socket).
  void begin(std::vector<int> sockets);
  /// No new clients; finished() returns when the last has gone.
  void drain();
  net::Task<> finished();
  /// See siblings.h.
  bool hands_over() const {
    return draining_ || full() ||
           (limits_.max_use > 0 && served_ >= limits_.max_use);
  }

 private:
  net::Task<> accept_from(net::Listener* listener);
  net::Task<> serve_stream(UniqueFd fd);
  net::Task<> serve_trigger(UniqueFd fd);
  net::Task<> serve_passed(UniqueFd fd);
  net::Task<> read_datagrams(net::Descriptor* socket);
  net::Task<> watch_master();
  net::Task<> watch_idle();
  void start_client(UniqueFd fd);
  void client_gone();
  void tell_master();
  bool full() const { return active_ >= limits_.clients; }

  Context& context_;
  const Definition& definition_;
  Service& service_;
  std::optional<StatusChannel> status_;
  Limits limits_;
  size_t active_ = 0;
  size_t served_ = 0;
  Instant idle_since_;
  bool draining_ = false;
  net::Condition changed_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unique_ptr<net::Descriptor> datagrams_;
  net::TaskSet acceptors_;
  net::TaskSet watchers_;
  net::TaskSet clients_;
};

}  // namespace mail::daemon
