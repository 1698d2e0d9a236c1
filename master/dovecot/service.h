#pragma once

#include <map>
#include <memory>

#include "common/net/condition.h"
#include "common/net/descriptor.h"
#include "common/net/task_set.h"
#include "master/dovecot/child.h"
#include "master/dovecot/pipes.h"
#include "master/dovecot/spec.h"

namespace mail::dovecot {

class House;

/// One process of a service.
struct Child {
  pid_t pid = 0;
  unsigned available = 0;  ///< clients it would still take
  unsigned most = 0;       ///< what it said at its start: then it is idle
  bool started = false;    ///< has said anything yet
  bool killed = false;     ///< we asked it to end
  Instant since;           ///< of its last word
  UniqueFd notice;         ///< our end of its descriptor 4 (login)
};

/// The processes of one service {} block: started when a client waits and
/// nobody has room, ended when idle.
class Service {
 public:
  Service(House& house, Spec spec, unsigned generation);
  ~Service();

  /// Errors: Temporary, pipe.
  Result<> open();
  /// Starts process_min_avail processes and watches the sockets.
  void begin();
  /// One process now, whoever asks. Errors: Temporary.
  Result<> start();
  /// SIGCHLD. False: not one of ours.
  bool reap(pid_t pid, int status);
  /// No new processes; those that are idle end.
  void retire();
  void signal_all(int number);
  /// SIGTERM, and waits for the end (a few milliseconds): for the log service,
  /// whose pipes the next process shall read alone.
  void end_and_wait();
  bool empty() const { return children_.empty(); }
  const Spec& spec() const { return spec_; }
  const std::map<pid_t, Child>& children() const { return children_; }
  unsigned available_processes() const;
  std::string status_line() const;

 private:
  net::Task<> watch(net::Descriptor* socket);
  net::Task<> read_status();
  net::Task<> kill_idle();
  net::Task<> throttle();
  bool needs_process() const;
  void take_status(pid_t pid, unsigned available);
  void limit_reached();
  std::string how_it_died(pid_t pid, int status) const;
  void failed();

  House& house_;
  Spec spec_;
  unsigned generation_;
  Pipe status_, dead_;
  std::map<pid_t, Child> children_;
  bool retired_ = false;
  bool throttled_ = false;
  std::chrono::seconds throttle_{0};
  unsigned total_ = 0;
  Instant last_warning_{};
  time_t last_failure_ = 0;
  net::Condition changed_;
  std::vector<std::unique_ptr<net::Descriptor>> sockets_;
  net::TaskSet watchers_, tasks_;  // end before what they wait on
};

}  // namespace mail::dovecot
