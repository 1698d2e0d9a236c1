#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/dovecot/configuration.h"
#include "common/config/dovecot/settings.h"
#include "common/net/stream.h"
#include "common/net/task.h"
#include "common/net/task_set.h"
#include "common/process/sandbox.h"

namespace mail::daemon {

/// Where a client came in.
struct DovecotConnection {
  std::string listener;  ///< name of the listener: "imaps", "auth-login"
  bool ssl = false;      ///< inet_listener { ssl = yes }
  bool haproxy = false;  ///< inet_listener { haproxy = yes }
  bool fifo = false;     ///< fifo_listener: the stream is its reading end
};

/// What a running service knows of itself. Lives as long as the process.
struct DovecotContext {
  /// The settings of the service's protocol, outside of all other filters.
  config::dovecot::SettingsPtr settings;
  std::string service;   ///< SERVICE_NAME: "imap-login", "auth-worker"
  std::string base_dir;  ///< "/run/dovecot"
  std::string hostname;  ///< DOVECOT_HOSTNAME
  std::vector<std::string> arguments;  ///< of `executable =`: {"-w"}
  unsigned client_limit = 1;           ///< of the service block
  unsigned process_limit = 1;          ///< of the service block
  unsigned service_count = 0;          ///< of the service block; 0: no limit
  bool standalone = false;             ///< not started by a master
  bool rootless = false;               ///< no other user's rights can be had

  /// Long-lived tasks of the process (timers, watchers).
  net::TaskSet* tasks = nullptr;
  /// Stop taking clients; the process ends when the last has gone.
  std::function<void()> drain;
  /// One client more that the process carries beside its connections (a
  /// proxied TLS session, say), or one less: counts against client_limit.
  std::function<void(int delta)> count_client;
};

/// The settings for one connection: what `local`, `remote`, `local_name` and
/// `protocol` filters change. Costs nothing where no filter could match; asks
/// the config service otherwise, and remembers the answer.
/// Errors: Temporary, the config service does not answer; Config.
net::Task<Result<config::dovecot::SettingsPtr>> settings_for(
    config::dovecot::Context context);

/// The same, always asked anew: a certificate file may have changed.
net::Task<Result<config::dovecot::SettingsPtr>> fresh_settings_for(
    config::dovecot::Context context);

/// A line to the anvil service on descriptor 3 ("CONNECT\t...\n"); false: there
/// is none, or it does not read.
bool tell_anvil(std::string_view line);

/// A service's own part. One object a process; serve() runs once for each
/// connection, many at the same time (client_limit).
class DovecotService {
 public:
  virtual ~DovecotService() = default;

  /// Still privileged, before chroot: open files, keys, resolver.
  virtual Result<> open(DovecotContext&) { return {}; }
  /// Confined, in the loop, before the first client.
  virtual net::Task<Result<>> start(DovecotContext&) { co_return Result<>{}; }
  /// One connection; the stream is closed at its end.
  virtual net::Task<> serve(net::Stream stream,
                            DovecotConnection connection) = 0;
  /// The process has its fill while another client waits (login services: all
  /// processes are full): drop the oldest that has not logged in.
  virtual void drop_oldest() {}
  /// SIGUSR2: the auth service logs its cache's statistics.
  virtual void statistics() {}
  /// The process is about to end: nothing is awaited here.
  virtual void stop() {}
};

/// What main() says; the rest is run_dovecot()'s.
struct DovecotDefinition {
  std::string_view name;      ///< of the binary: "imap-login"
  std::string_view protocol;  ///< whose `protocol NAME {` counts: "imap"
  /// Whose settings are asked for: "auth", "imap", "mail", "login", "lmtp" ...
  /// Only these may be read (others have their defaults).
  std::vector<std::string> modules;
  std::unique_ptr<DovecotService> (*make)();
  process::Profile profile = process::Profile::Internal;
  /// Stays root (imap, pop3, lmtp, auth-worker): becomes users itself.
  bool keeps_privileges = false;
  /// Serves so many clients at once even where the service block says
  /// client_limit = 1 and service_count = 1 (one process a client, which here
  /// is neither safer nor needed). 0: as the block says.
  unsigned clients_at_least = 0;
  /// Log prefix; empty: "NAME: ". "%p" in it is the pid: "imap(%p): ".
  std::string_view log_prefix;
  /// Goes on when there is a new configuration (anvil keeps its state); others
  /// take no more clients then, and a new process follows.
  bool stays = false;
};

/// The life of a service process under Dovecot's master, ours or a genuine
/// one: environment, log, settings from the config socket, open(), chroot,
/// ids, sandbox, start(), clients, status messages, idle exit, SIGTERM (ends),
/// SIGINT (ends when idle). Returns the exit status.
/// Descriptors (master's contract): 2 log, 3 anvil, 4 login notify, 5 status,
/// 6 master dead, 7... listeners.
int run_dovecot(int argc, char** argv, const DovecotDefinition& definition);

}  // namespace mail::daemon
