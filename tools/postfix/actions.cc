#include "tools/postfix/actions.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "tools/postfix/checks.h"
#include "tools/postfix/directories.h"

namespace mail::postfix_command {

namespace param = config::param;

int complain(std::string_view text) {
  log::line(log::Level::Fatal, text);
  return 1;
}

namespace {

constexpr std::string_view kNotRunning =
    "the Postfix mail system is not running";

/// The running master's pid, or 0; what cannot be known ends us.
int running_pid(const Site& site) {
  auto pid = master_pid(site);
  if (!pid) {
    complain(pid.error().what);
    _exit(1);
  }
  return *pid;
}

std::string quick_start(const Site& site) {
  return site.queue_directory() + "/quick-start";
}

bool may_start(const Site& site) {
  if (running_pid(site) != 0) {
    complain("the Postfix mail system is already running");
    return false;
  }
  if (unlink(quick_start(site).c_str()) == 0) return true;
  if (!check_fatal(site)) {
    complain("Postfix integrity check failed!");
    return false;
  }
  check_warn(site, Thoroughness::Directories);
  return true;
}

std::vector<std::string> master_command(const Site& site,
                                        std::string_view option) {
  std::vector<std::string> out{site.daemon_directory() + "/master",
                               std::string(option)};
  out.insert(out.end(), static_cast<size_t>(site.verbose), "-v");
  return out;
}

int start(const Site& site) {
  if (!may_start(site)) return 1;
  log::info("starting the Postfix mail system");
  auto status = run_program(master_command(site, "-w"));
  if (!status) complain(status.error().what);
  if (status && *status == 0) return 0;
  return complain("mail system startup failed");
}

int start_in_foreground(const Site& site) {
  if (!site.settings->get(param::multi_instance_directories).empty()) {
    return complain("start-fg does not support multi_instance_directories");
  }
  if (!may_start(site)) return 1;
  log::info("starting the Postfix mail system");
  Error error =
      become_program(master_command(site, getpid() == 1 ? "-i" : "-s"));
  return complain(error.what);
}

/// Up to `milliseconds`, until no master holds the lock.
bool gone_within(const Site& site, int milliseconds) {
  for (int waited = 0;; waited += 10) {
    if (running_pid(site) == 0) return true;
    if (waited >= milliseconds) return false;
    poll(nullptr, 0, 10);
  }
}

int stop(const Site& site) {
  int pid = running_pid(site);
  if (pid == 0) return complain(kNotRunning);
  log::info("stopping the Postfix mail system");
  kill(pid, SIGTERM);
  if (gone_within(site, 50)) return 0;
  for (int second = 0; second < 5; ++second) {
    log::info("waiting for the Postfix mail system to terminate");
    if (gone_within(site, 1000)) return 0;
  }
  log::warning("stopping the Postfix mail system with force");
  // Only a group of its own; never our own or everybody's.
  if (pid > 1 && getpgid(pid) == pid) {
    kill(-pid, SIGKILL);
  } else {
    kill(pid, SIGKILL);
  }
  return 0;
}

int quick_stop(const Site& site) {
  int status = stop(site);
  if (status != 0) return status;
  UniqueFd mark(open(quick_start(site).c_str(),
                     O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  return mark ? 0 : complain("cannot create " + quick_start(site));
}

int signal_master(const Site& site, std::string_view text, int number) {
  int pid = running_pid(site);
  if (pid == 0) return complain(kNotRunning);
  log::info(text);
  kill(pid, number);
  return 0;
}

int flush(const Site& site) {
  if (running_pid(site) == 0) return complain(kNotRunning);
  Error error = become_program({site.command_directory() + "/postqueue", "-f"});
  return complain(error.what);
}

int check(const Site& site) {
  if (!check_fatal(site)) return 1;
  check_warn(site, Thoroughness::EachMessage);
  return 0;
}

int status(const Site& site) {
  int pid = running_pid(site);
  if (pid == 0) {
    log::info(kNotRunning);
    return 1;
  }
  log::info(fmt::format("the Postfix mail system is running: PID: {}", pid));
  return 0;
}

int permissions(const Site& site) {
  auto done = set_permissions(site);
  return done ? 0 : complain(done.error().what);
}

int reload(const Site& site) {
  return signal_master(site, "refreshing the Postfix mail system", SIGHUP);
}

}  // namespace

int act(const Site& site, std::string_view command, size_t extra_arguments) {
  if (command == "start" || command == "quick-start") return start(site);
  if (command == "start-fg") return start_in_foreground(site);
  if (command == "stop") return stop(site);
  if (command == "quick-stop") return quick_stop(site);
  if (command == "drain") {
    return signal_master(site, "stopping the Postfix mail system", SIGKILL);
  }
  if (command == "abort") {
    return signal_master(site, "aborting the Postfix mail system", SIGTERM);
  }
  if (command == "reload") return reload(site);
  if (command == "flush") return flush(site);
  if (command == "check") return check(site);
  if (command == "status") return status(site);
  if (command == "set-permissions") return permissions(site);
  if (command == "logrotate") return rotate_log(site, extra_arguments);
  if (command == "tls" || command == "upgrade-configuration") {
    return complain(
        fmt::format("'postfix {}' is not in this version", command));
  }
  return complain(fmt::format(
      "unknown command: '{}'. Usage: postfix start (or stop, reload, abort, "
      "flush, check, status, set-permissions, upgrade-configuration, "
      "logrotate)",
      command));
}

}  // namespace mail::postfix_command
