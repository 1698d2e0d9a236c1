// master(8): keeps the mail system's services.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "common/base/memory.h"
#include "common/config/postfix/params.h"
#include "common/daemon/settings.h"
#include "common/log/log.h"
#include "common/process/lock_file.h"
#include "master/log_lines.h"
#include "master/supervisor.h"
#include "master/surroundings.h"

namespace mail::master {

namespace param = config::param;

namespace {

constexpr char kPidFile[] = "pid/master.pid";

template <class T>
T or_fatal(Result<T> result) {
  if (!result) log::fatal(result.error().what);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Exits: 1 when a master runs.
[[noreturn]] void test_lock() {
  auto locked = process::is_locked(kPidFile);
  if (!locked) log::fatal(locked.error().what);
  _exit(*locked ? 1 : 0);
}

/// A second master with other queues but the same data would spoil them.
process::PidFile lock_data_directory(const config::Settings& settings) {
  std::string path = settings.get(param::data_directory) + "/master.lock";
  std::optional<process::AsUser> user;
  if (geteuid() == 0) {
    auto owner = or_fatal(process::find_user(settings.get(param::mail_owner)));
    if (owner) user.emplace(or_fatal(process::AsUser::become(*owner)));
  }
  process::PidFile lock = or_fatal(process::PidFile::lock(path));
  or_fatal(lock.write_pid());
  return lock;
}

/// A loop that no longer turns is worse than none: SIGALRM ends us.
net::Task<> watchdog() {
  while (true) {
    alarm(1000);
    co_await net::sleep(std::chrono::seconds(300));
  }
}

net::Task<> exit_after(long seconds) {
  co_await net::sleep(std::chrono::seconds(seconds));
  log::info(fmt::format("master exit time has arrived"));
  _exit(0);
}

void handle_signals(net::Loop& loop, Supervisor& supervisor) {
  for (int number : {SIGTERM, SIGINT, SIGQUIT}) {
    loop.on_signal(number,
                   [&supervisor, number] { supervisor.terminate(number); });
  }
  loop.on_signal(SIGHUP, [&supervisor] { supervisor.reload(); });
  loop.on_signal(SIGCHLD, [&supervisor] { supervisor.children_exited(); });
}

void check_caller() {
  if (geteuid() != getuid()) {
    log::fatal("the master program must not be set-uid");
  }
}

[[noreturn]] void run(const Options& options) {
  UniqueFd ready;
  if (options.wait) ready = fork_and_wait();
  if (!options.attached) setsid();  // fails when we lead a group already
  auto settings = daemon::load_daemon_settings("master", "master", {}, false);
  or_fatal(clean_environment(*settings));
  open_master_log(*settings);
  const std::string& queue = settings->get(param::queue_directory);
  if (chdir(queue.c_str()) != 0) {
    log::fatal(fmt::format("chdir {}: {}", queue, strerror(errno)));
  }
  if (options.test_lock) test_lock();
  process::PidFile pid_file = or_fatal(process::PidFile::lock(kPidFile));
  or_fatal(pid_file.write_pid());
  process::PidFile data_lock = lock_data_directory(*settings);
  std::string directory = settings->get(param::config_directory);

  net::Loop loop;
  Supervisor supervisor(options, std::move(settings));
  handle_signals(loop, supervisor);
  or_fatal(supervisor.start());
  log_lines::started(directory);
  if (ready) {
    [[maybe_unused]] auto n = write(ready.get(), "", 1);
    ready.reset();
  }
  net::TaskSet tasks;
  tasks.start(watchdog());
  if (options.exit_after > 0) tasks.start(exit_after(options.exit_after));
  loop.run();
  _exit(0);
}

}  // namespace

}  // namespace mail::master

int main(int argc, char** argv) {
  using namespace mail;
  prepare_heap();
  signal(SIGPIPE, SIG_IGN);
  daemon::open_first_log("master");
  auto options = master::parse_options(argc, argv);
  if (!options) log::fatal(options.error().what);
  master::settle_descriptors(*options);
  daemon::open_first_log("master");
  master::check_caller();
  if (!options->config_directory.empty()) {
    setenv("MAIL_CONFIG", options->config_directory.c_str(), 1);
  }
  master::run(*options);
}
