#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/net/condition.h"
#include "common/net/descriptor.h"
#include "common/net/task_set.h"
#include "master/roster.h"
#include "master/service_spec.h"

namespace mail::master {

/// What the services have in common.
struct House {
  UniqueFd flow_read, flow_write;  ///< the flow-control pipe of all children
  bool attached = false;
  bool rootless = false;
  int verbose = 0;
  unsigned generation = 0;  ///< of the next child
};

/// One service that runs: its sockets, its children, its timers.
///   nobody idle, below the limit, not throttled -> we poll the sockets
///   a client comes -> one child is started, which accepts it
class Running {
 public:
  Running(House& house, ServiceSpec spec, std::vector<UniqueFd> sockets,
          Duration throttle_time);

  /// Begins to listen, and wakes the service up if it is to be.
  void begin();
  /// The next configuration of the same service: sockets stay; the children
  /// see the end of their status channel and go when their clients have gone.
  void change(ServiceSpec spec, Duration throttle_time);
  /// Sends SIGTERM to the children; before the service is destroyed.
  void terminate_children();

  /// False: not one of our children.
  bool child_exited(pid_t pid, int wait_status);
  const ServiceSpec& spec() const { return spec_; }
  std::vector<pid_t> pids() const { return roster_.pids(); }

 private:
  void open_status_channel();
  void update();
  void start_listening();
  void client_waits();
  void start_child();
  net::Task<> listen(net::Descriptor* socket);
  net::Task<> read_status();
  net::Task<> wait_for_throttle(Instant until);
  net::Task<> wake_regularly();
  void warn_of_limit();

  House& house_;
  ServiceSpec spec_;
  Duration throttle_time_;
  Roster roster_;
  std::vector<std::unique_ptr<net::Descriptor>> sockets_;
  UniqueFd status_for_children_;
  std::unique_ptr<net::Descriptor> status_;
  bool listening_now_ = false;
  bool was_used_ = false;
  std::shared_ptr<int> alive_;  // posted functions look whether we still are
  net::Condition used_;
  net::TaskSet listening_, watching_, throttling_;
};

}  // namespace mail::master
