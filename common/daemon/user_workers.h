#pragma once

#include <sys/types.h>

#include <compare>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/net/condition.h"
#include "common/net/passing.h"
#include "common/net/task_set.h"

/// One process for each user id: how a daemon that root has started (imap,
/// pop3, lmtp) serves users without being root, and without starting a process
/// for each client.
///
///   root's part: UserWorkers           the user's part: WorkerPort
///   call(who, fd, message)  ────────>  next(): a job with message and fd
///                           <────────  answer(job, text)
///
/// The two are the same executable, started again (fork and exec) when the
/// first job of an identity comes; it stays, and all others of that identity
/// are handed to it over a socketpair, so that a login or a delivery costs one
/// message. It ends when it has had no job for a while, and with its parent
/// when it has none.
namespace mail::daemon {

/// Who a process is, for good. Group ids are sorted by the maker of this.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::optional<gid_t> saved_gid;  ///< can be made effective: setegid(2)
  std::vector<gid_t> groups;       ///< supplementary ones
  std::string chroot;              ///< empty: none

  friend auto operator<=>(const Identity&, const Identity&) = default;
  friend bool operator==(const Identity&, const Identity&) = default;
  /// "uid:gid:saved:gid,gid:chroot"
  std::string text() const;
  static std::optional<Identity> parse(std::string_view text);
  /// chroot, groups and ids. A process that is not root can only be itself.
  /// Errors: Config, which step failed and why.
  Result<> become() const;
};

/// A job's message and its answer are at most so long.
inline constexpr size_t kMaxJobMessage = 160 * 1024;

/// A socket of whole messages, each with a descriptor or without, which any
/// task may send to.
class JobChannel {
 public:
  explicit JobChannel(UniqueFd socket) : socket_(std::move(socket)) {}

  /// Queues it; it is sent in order, at once if the socket takes it.
  void send(std::string message, UniqueFd fd);
  /// The next message; empty bytes: the other side has closed, or is gone.
  net::Task<Result<net::Passed>> next();
  /// Nothing waits to be sent.
  bool sent() const { return !sending_; }

 private:
  net::Task<> send_all();
  struct Outgoing {
    std::string message;
    UniqueFd fd;
  };
  net::Descriptor socket_;
  std::deque<Outgoing> outgoing_;
  bool sending_ = false;
  net::TaskSet tasks_;
};

class UserWorkers {
 public:
  struct Options {
    /// argv of a worker; empty: this process's own.
    std::vector<std::string> arguments;
    std::string executable = "/proc/self/exe";
    Duration idle{};        ///< ends after so long without a job; 0: never
    size_t processes = 0;   ///< at the same time; 0: no limit
    std::vector<int> keep;  ///< descriptors that workers inherit besides 0-2
    std::vector<int> null;  ///< descriptors that are /dev/null for them
    /// Variables whose names begin so are not passed on; these are added.
    std::vector<std::string> without_variables, variables;
  };
  explicit UserWorkers(Options options);
  UserWorkers(const UserWorkers&) = delete;
  UserWorkers& operator=(const UserWorkers&) = delete;
  ~UserWorkers();

  /// The pid of the identity's process; it is started if there is none.
  /// Errors: Temporary, it cannot be started, or there are too many (sys
  /// EAGAIN).
  Result<pid_t> prepare(const Identity& who);
  /// Hands a job over, with the descriptor if there is one, and waits for its
  /// answer: for a client of imap or pop3 until it has gone. Whoever stops
  /// waiting loses the answer, not the job.
  /// Errors: prepare()'s; Temporary, the process has died (sys ECONNRESET).
  net::Task<Result<std::string>> call(Identity who, UniqueFd fd,
                                      std::string message);

  size_t jobs() const;       ///< not yet answered
  size_t processes() const;  ///< alive
  /// Tells all to end their jobs (WorkerPort::stopping) and themselves.
  void stop();
  /// Waits until there is no process.
  net::Task<> ended();

 private:
  struct Worker;
  Result<Worker*> worker_of(const Identity& who);
  Result<std::unique_ptr<Worker>> start(const Identity& who);
  net::Task<> listen(Worker* worker);
  net::Task<> watch_idle();
  net::Task<> reap(pid_t pid);
  void remove(Worker* worker);

  Options options_;
  std::map<Identity, std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Worker>> leaving_;  // closed, not yet gone
  uint32_t next_job_ = 1;
  bool stopped_ = false;
  net::Condition changed_;
  net::TaskSet tasks_;
};

/// The user's side; there is one in a process that UserWorkers has started.
class WorkerPort {
 public:
  /// In a worker: takes over the socket and says who to become. Call it while
  /// still root, become() when configuration and log are open.
  /// nullptr: this process is not a worker.
  static std::unique_ptr<WorkerPort> inherited();

  const Identity& identity() const { return identity_; }

  struct Job {
    uint32_t id = 0;
    std::string message;
    UniqueFd fd;
  };
  /// The next job. nullopt: no more will come; end when all are answered.
  net::Task<std::optional<Job>> next();
  /// Once for each job.
  void answer(uint32_t job, std::string text);
  /// The parent wants the jobs to end soon: "Server shutting down."
  bool stopping() const { return stopping_; }
  net::Condition::Waiter stop_requested() { return stop_requested_.wait(); }
  /// All answers have been sent.
  bool flushed() const { return channel_.sent(); }

 private:
  WorkerPort(UniqueFd socket, Identity identity)
      : channel_(std::move(socket)), identity_(std::move(identity)) {}
  JobChannel channel_;
  Identity identity_;
  bool stopping_ = false;
  net::Condition stop_requested_;
};

}  // namespace mail::daemon
