#include "tools/postfix/site.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/config/postfix/params.h"
#include "common/process/lock_file.h"

extern char** environ;

namespace mail::postfix_command {

namespace param = config::param;

namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::string Site::command_directory() const {
  return settings->get(param::command_directory);
}
std::string Site::daemon_directory() const {
  return settings->get(param::daemon_directory);
}
std::string Site::config_directory() const {
  return settings->get(param::config_directory);
}
std::string Site::queue_directory() const {
  return settings->get(param::queue_directory);
}
std::string Site::pid_file() const {
  return queue_directory() + "/pid/master.pid";
}

Result<int> master_pid(const Site& site) {
  if (!TRY(process::is_locked(site.pid_file()))) return 0;
  std::string text = TRY(read_file(site.pid_file()));
  auto pid = parse_number<int>(trim(text));
  if (!pid || *pid <= 1) {
    // A container's master is process 1; nobody else may be meant by it.
    if (pid && *pid == 1) return 1;
    return fail(Fault::Config,
                fmt::format("no process id in {}", site.pid_file()));
  }
  return *pid;
}

Result<int> run_program(const std::vector<std::string>& arguments) {
  std::vector<std::string> copy = arguments;
  auto argv = pointers(copy);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t pid;
  int error =
      posix_spawn(&pid, argv[0], nullptr, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail_errno("cannot execute " + copy[0], error);
  int status;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("waitpid", errno);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Error become_program(const std::vector<std::string>& arguments) {
  std::vector<std::string> copy = arguments;
  auto argv = pointers(copy);
  signal(SIGPIPE, SIG_DFL);
  execv(argv[0], argv.data());
  return fail_errno("cannot execute " + copy[0], errno).value();
}

}  // namespace mail::postfix_command
