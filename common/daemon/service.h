#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/settings.h"
#include "common/net/condition.h"
#include "common/net/stream.h"
#include "common/net/task.h"
#include "common/net/task_set.h"
#include "common/process/sandbox.h"

namespace mail::daemon {

/// What a running service knows of itself. Lives as long as the process.
struct Context {
  std::shared_ptr<const config::Settings> settings;
  std::string process;    ///< argv[0] without its path: "smtpd"
  std::string service;    ///< master.cf name: "smtp", "submission"
  std::string transport;  ///< "inet", "unix", "fifo", "pass", "unix-dgram"
  std::vector<std::string> arguments;  ///< what follows the options (pipe)
  bool standalone = false;             ///< -S: one client on stdin, stdout
  bool verbose = false;
  bool chrooted = false;  ///< -c: paths begin at the queue directory
  bool rootless = false;  ///< no other user's rights can be had

  /// Long-lived tasks of the process (timers, watchers).
  net::TaskSet* tasks = nullptr;
  /// Stop taking clients; the process ends when the last has gone.
  std::function<void()> drain;
  /// open() adds to Definition::writes what the settings ask for.
  std::vector<std::string> writes;
};

/// A daemon's own part. One object a process; serve() runs once for each
/// client, many at the same time (Definition::clients).
class Service {
 public:
  virtual ~Service() = default;

  /// Still privileged, before chroot: open tables, keys, sockets, resolver.
  /// An error ends the process with `fatal:`.
  virtual Result<> open(Context&) { return {}; }
  /// Confined, in the loop, before the first client.
  virtual net::Task<Result<>> start(Context&) { co_return Result<>{}; }

  /// One connection (inet, unix, pass). The stream is closed at its end.
  virtual net::Task<> serve(net::Stream) { co_return; }
  /// Bytes of a trigger (qmgr, pickup), NULs taken out; may be empty.
  virtual void trigger(std::string_view) {}
  /// Datagrams in the order in which they came, all that waited (postlog).
  virtual void datagrams(std::span<const std::string_view>) {}

  /// The process is about to end (idle, disowned): nothing is awaited here.
  virtual void stop() {}
};

enum class Kind { Stream, Trigger, Datagram };
/// The process limit that master.cf must give ("requires a process limit").
enum class ProcessLimit { Any, One, Unlimited };

/// What main() says; the rest is run()'s.
struct Definition {
  std::string_view name;
  std::unique_ptr<Service> (*make)();
  Kind kind = Kind::Stream;
  ProcessLimit limit = ProcessLimit::Any;
  /// Needs root ("requires privileged operation"): becomes users itself.
  bool privileged = false;
  process::Profile profile = process::Profile::Internal;
  /// FacesNetwork: the queue's directories whose files it changes.
  std::vector<std::string> writes{};
  /// At so many clients the process reports itself busy, and the master
  /// starts a sibling.
  size_t clients = 500;
  /// Stays for ever (qmgr, and what holds state others rely on).
  bool stays = false;
};

/// The life of a daemon under Postfix's master(8), ours or a genuine one:
/// options, settings, log, open(), chroot, ids, sandbox, start(), clients,
/// status messages, idle exit. Returns the exit status.
int run(int argc, char** argv, const Definition& definition);

/// Runs `job` on the worker pool (fsync, getpwnam, what may block) and goes on
/// in the loop with its value. The job must own all that it touches: it runs
/// to its end even if the awaiting task is destroyed.
template <class T>
net::Task<T> run_blocking(std::function<T()> job);

/// Takes a token from the flow-control pipe (descriptor 3), if there is one.
/// False: the queue manager is behind; wait in_flow_delay, then go on.
bool take_flow_token();
/// Puts `count` tokens into it (descriptor 4); what does not fit is dropped.
void give_flow_tokens(size_t count);
/// How many tokens are in it.
size_t flow_tokens();

// ---- implementation of run_blocking

void submit_blocking(std::function<void()> job, std::function<void()> done);

template <class T>
net::Task<T> run_blocking(std::function<T()> job) {
  struct State {
    std::function<T()> job;
    std::optional<T> value;
    bool finished = false;  // only touched in the loop
    net::Condition done;
  };
  auto state = std::make_shared<State>();
  state->job = std::move(job);
  submit_blocking([state] { state->value.emplace(state->job()); },
                  [state] {
                    state->finished = true;
                    state->done.notify_all();
                  });
  while (!state->finished) co_await state->done.wait();
  co_return std::move(*state->value);
}

}  // namespace mail::daemon
