// The life of the daemon: from its configuration to its end.
#include <errno.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/process/sandbox.h"
#include "dkim-milter/filter.h"
#include "dkim-milter/filter_log.h"
#include "dkim-milter/milter.h"
#include "dkim-milter/version.h"

namespace mail::dkim_milter {

namespace {

using config::opendkim::Conf;

struct Failed {
  int status;
  std::string text;
};

class Daemon {
 public:
  Daemon(const Options& options, const ReadConf& read)
      : options_(options),
        conf_(read.conf),
        file_(read.file),
        filter_(options) {}

  int run() {
    if (auto failed = prepare()) return stop(*failed);
    if (auto failed = detach()) return stop(*failed);
    if (limits_.enabled) {
      if (auto failed = drop_rights()) return stop(*failed);
      // The parent waits for the first child's sockets no further.
      background_.ready();
      set_stderr(!conf_.boolean("Background"));
      if (auto status = supervise(limits_)) {
        pid_file_.remove(PidFile::End::Orderly);
        return *status;
      }
    } else if (auto failed = drop_rights()) {
      return stop(*failed);
    }
    if (auto failed = open()) return stop(*failed);
    return serve();
  }

 private:
  using Step = std::optional<Failed>;

  int stop(const Failed& failed) {
    complain(failed.text);
    if (!limits_.enabled) pid_file_.remove(PidFile::End::StartFailed);
    return failed.status;
  }

  Step prepare();
  Step detach();
  Step drop_rights();
  Step open();
  int serve();

  const Options& options_;
  const Conf& conf_;
  std::string file_;
  Filter filter_;
  Identity identity_;
  RestartLimits limits_;
  Background background_;
  PidFile pid_file_;
  std::string socket_;
  UniqueFd listener_;
};

void begin_log(const Conf& conf) {
  if (!conf.boolean("Syslog")) return;
  open_log(conf.string("SyslogName").value_or("opendkim"),
           conf.string("SyslogFacility").value_or("mail"));
}

Daemon::Step Daemon::prepare() {
  if (auto directory = conf_.string("BaseDirectory")) {
    if (chdir(directory->c_str()) < 0) {
      return Failed{EX_CONFIG, fmt::format("{}: {}: chdir(): {}", file_,
                                           *directory, strerror(errno))};
    }
  }
  begin_log(conf_);
  auto identity = find_identity(conf_.string("UserID"));
  if (!identity) return Failed{EX_DATAERR, identity.error().what};
  identity_ = *identity;
  if (auto loaded = filter_.load(conf_, file_, identity_.uid); !loaded) {
    return Failed{EX_CONFIG, loaded.error().what};
  }
  auto limits = read_restart_limits(conf_);
  if (!limits) return Failed{EX_CONFIG, limits.error().what};
  limits_ = *limits;
  auto socket = conf_.string("Socket");
  if (!socket) return Failed{EX_CONFIG, "milter socket must be specified"};
  socket_ = *socket;
  return std::nullopt;
}

Daemon::Step Daemon::detach() {
  if (auto root = conf_.string("ChangeRootDirectory")) {
    if (chroot(root->c_str()) < 0 || chdir("/") < 0) {
      return Failed{EX_OSERR,
                    fmt::format("{}: chroot(): {}", *root, strerror(errno))};
    }
  }
  if (conf_.boolean("EnableCoredumps")) {
    rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    (void)setrlimit(RLIMIT_CORE, &unlimited);
  }
  if (conf_.boolean("Background")) {
    auto background = Background::enter();
    if (!background) return Failed{EX_OSERR, background.error().what};
    background_ = std::move(*background);
  }
  if (auto path = conf_.string("PidFile")) {
    auto written = PidFile::write(*path);
    if (written) {
      pid_file_ = std::move(*written);
    } else {
      log_line(Priority::Error, "can't write pid to " + written.error().what);
    }
  }
  return std::nullopt;
}

Daemon::Step Daemon::drop_rights() {
  if (auto done = become(identity_); !done) {
    return Failed{EX_NOPERM, done.error().what};
  }
  return std::nullopt;
}

Daemon::Step Daemon::open() {
  process::Confinement wanted;
  wanted.profile = conf_.boolean("EnableCoredumps")
                       ? process::Profile::Internal
                       : process::Profile::HoldsSecrets;
  if (auto done = process::confine(wanted); !done) {
    return Failed{EX_OSERR, done.error().what};
  }
  if (conf_.is_set("UMask")) {
    umask(static_cast<mode_t>(conf_.integer("UMask")));
  }
  if (auto removed = remove_stale_socket(socket_); !removed) {
    return Failed{EX_UNAVAILABLE,
                  "socket cleanup failed: " + removed.error().what};
  }
  auto listener =
      open_milter(socket_, static_cast<int>(conf_.integer("MilterDebug")));
  if (!listener) return Failed{EX_UNAVAILABLE, listener.error().what};
  listener_ = std::move(*listener);
  return std::nullopt;
}

int Daemon::serve() {
  for (const auto& line : filter_.warnings()) {
    log_line(Priority::Warning, line);
  }
  log_line(Priority::Info,
           fmt::format("{} v{} starting{}", kProduct, kVersion,
                       options_.arguments.empty()
                           ? ""
                           : fmt::format(" (args: {})", options_.arguments)));
  struct sigaction action{};
  action.sa_handler = [](int) { Filter::request_reload(); };
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
  background_.ready();
  set_stderr(!conf_.boolean("Background"));
  serve_milter(listener_, [this] { return filter_.context(); });
  log_line(Priority::Info,
           fmt::format("{} v{} terminating with status 0, errno = 0", kProduct,
                       kVersion));
  if (std::string path = local_socket_path(socket_); !path.empty()) {
    (void)unlink(path.c_str());
  }
  if (!limits_.enabled) pid_file_.remove(PidFile::End::Orderly);
  return EX_OK;
}

}  // namespace

int run_filter(const Options& options, const ReadConf& conf) {
  (void)signal(SIGPIPE, SIG_IGN);
  // Clients' threads may still be at work at the end: what they look at lives
  // until the process does.
  auto* daemon = new Daemon(options, conf);
  int status = daemon->run();
  _exit(status);
}

}  // namespace mail::dkim_milter
