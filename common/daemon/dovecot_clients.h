#pragma once

#include <memory>
#include <vector>

#include "common/daemon/dovecot_environment.h"
#include "common/daemon/dovecot_service.h"
#include "common/net/listener.h"

namespace mail::daemon {

/// Takes clients from the master's listeners, tells it how many more would do,
/// and knows when the process may end.
class DovecotClients {
 public:
  struct Limits {
    unsigned clients = 1;        ///< at the same time
    unsigned service_count = 0;  ///< then end; 0: no limit
  };
  DovecotClients(DovecotService& service, Limits limits, unsigned generation);

  /// Descriptors 7... of the environment; login: watches descriptor 4.
  void begin(const DovecotEnvironment& environment, bool login);
  void drain();
  /// SIGINT: ends if nobody is there.
  void end_if_idle();
  /// SIGTERM: finished() returns at once, whoever is there.
  void end_now();
  void count(int delta);
  net::Task<> finished();

 private:
  net::Task<> accept_from(net::Listener* listener, DovecotConnection about);
  net::Task<> serve(UniqueFd fd, DovecotConnection about);
  net::Task<> serve_pipe(UniqueFd fd, DovecotConnection about);
  net::Task<> watch_master();
  net::Task<> watch_notices();
  void tell_master();
  unsigned room() const;
  void client_gone();

  DovecotService& service_;
  Limits limits_;
  unsigned generation_;
  unsigned active_ = 0, served_ = 0, told_ = ~0u;
  bool draining_ = false, ended_ = false;
  net::Condition changed_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  net::TaskSet acceptors_, pipes_, watchers_, clients_;
};

}  // namespace mail::daemon
