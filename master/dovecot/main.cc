// dovecot(1): starts and keeps the services of dovecot.conf.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/base/memory.h"
#include "common/config/dovecot/version.h"
#include "common/log/dovecot.h"
#include "common/process/dovecot_problems.h"
#include "master/dovecot/house.h"
#include "master/dovecot/options.h"
#include "master/dovecot/premises.h"

namespace mail::dovecot {

namespace cf = config::dovecot;
namespace set = config::dovecot::setting;
using process::write_stderr;

namespace {

constexpr int kFailed = 89, kTemporary = 75;

int fatal(std::string_view text) {
  write_stderr(fmt::format("Fatal: {}\n", text));
  return kFailed;
}

/// SIGTERM to the running master, and waits; SIGHUP.
int control(const Options& options) {
  Plan plan;
  std::string errors = make_plan(options.config_path, plan, "dovecot");
  if (!plan.settings) {
    write_stderr(errors);
    return kFailed;
  }
  const std::string& base = plan.settings->get(set::base_dir);
  pid_t pid = running_master(base);
  if (pid == 0) {
    fatal(
        fmt::format("Dovecot is not running (read from {}/master.pid)", base));
    return kTemporary;
  }
  if (options.command == Command::Reload) {
    return kill(pid, SIGHUP) == 0 ? 0 : fatal(strerror(errno));
  }
  if (kill(pid, SIGTERM) != 0) return fatal(strerror(errno));
  for (int i = 0; i < 1000 && kill(pid, 0) == 0; ++i) {
    timespec pause{0, 10 * 1000 * 1000};
    nanosleep(&pause, nullptr);
  }
  return 0;
}

UniqueFd take_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (int number : {SIGCHLD, SIGHUP, SIGUSR1, SIGTERM, SIGINT}) {
    sigaddset(&wanted, number);
  }
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  return UniqueFd(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
}

/// The parent ends when the child is the master. False: in the parent.
bool daemonize() {
  pid_t pid = fork();
  if (pid < 0) _exit(fatal(strerror(errno)));
  if (pid > 0) return false;
  setsid();
  UniqueFd null_fd(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd : {0, 1, 2}) dup2(null_fd.get(), fd);
  return true;
}

int run(const Options& options, Plan plan) {
  const std::string base = plan.settings->get(set::base_dir);
  if (pid_t pid = running_master(base)) {
    return fatal(fmt::format(
        "Dovecot is already running with PID {} (read from {}/master.pid)", pid,
        base));
  }
  if (auto made = make_premises(*plan.settings, options.config_path); !made) {
    return fatal(made.error().what);
  }
  for (auto& text : adopt_systemd_sockets(plan.services)) {
    plan.warnings.push_back(std::move(text));
  }
  auto failed = open_listeners(plan.services, {});
  if (!failed.empty()) {
    for (const auto& text : failed) {
      write_stderr(fmt::format("Error: {}\n", text));
    }
    remove_files(by_key(plan.services), {});
    return fatal("Failed to start listeners");
  }
  if (!options.foreground && !daemonize()) return 0;
  if (auto written = write_pid_file(base); !written) {
    return fatal(written.error().what);
  }
  // Children name their sockets relative to it.
  if (chdir(base.c_str()) != 0) {
    return fatal(fmt::format("chdir({}) failed: {}", base, strerror(errno)));
  }
  umask(0077);
  signal(SIGPIPE, SIG_IGN);
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  UniqueFd signals = take_signals();
  net::Loop loop;
  House house(options.config_path, std::move(plan));
  if (auto opened = house.open(); !opened) return fatal(opened.error().what);
  // From here on what we say goes the way of all others.
  dup2(house.log_pipes().own_writer(), STDERR_FILENO);
  log::open_dovecot(log::DovecotSink::Pipe, "master: ");
  loop.run(house.live(std::move(signals)));
  remove_pid_file(base);
  unlink((base + "/master").c_str());
  return 0;
}

int execute(const char* program, std::vector<std::string> words) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(program, argv.data());
  return fatal(fmt::format("execv({}) failed: {}", program, strerror(errno)));
}

}  // namespace

int start(const Options& options) {
  switch (options.command) {
    case Command::Help:
      write_stderr(kUsage);
      return 0;
    case Command::Version:
      write_stdout(fmt::format("{} ({})\n", cf::kVersion, cf::kRevision));
      return 0;
    case Command::BuildOptions:
      write_stdout(kBuildOptions);
      return 0;
    case Command::HostDomain: {
      char host[256] = "";
      gethostname(host, sizeof host - 1);
      write_stdout(fmt::format("{}\n", host));
      return 0;
    }
    case Command::Doveconf:
      return execute("/usr/bin/doveconf", {"doveconf", options.doveconf_option,
                                           "-c", options.config_path});
    case Command::Doveadm: {
      std::vector<std::string> words = {"doveadm", "-c", options.config_path};
      words.insert(words.end(), options.words.begin(), options.words.end());
      return execute("/usr/bin/doveadm", std::move(words));
    }
    case Command::Stop:
    case Command::Reload:
      return control(options);
    case Command::Run:
      break;
  }
  Plan plan;
  std::string errors = make_plan(options.config_path, plan, "dovecot");
  if (!errors.empty()) {
    write_stderr(errors);
    return kFailed;
  }
  return run(options, std::move(plan));
}

}  // namespace mail::dovecot

int main(int argc, char** argv) {
  mail::prepare_heap();
  auto options = mail::dovecot::parse_options(argc, argv);
  if (!options) {
    mail::process::write_stderr(mail::dovecot::kUsage);
    return mail::dovecot::fatal(options.error().what);
  }
  return mail::dovecot::start(*options);
}
