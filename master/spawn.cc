#include "master/spawn.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/log/log.h"

extern char** environ;

namespace mail::master {

namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

[[noreturn]] void become_daemon(const Birth& birth, char** argv, char** envp) {
  // The loop's handlers write to descriptors that we share with the parent.
  for (int number :
       {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD, SIGALRM, SIGPIPE}) {
    signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  int target = 3;
  for (int fd : birth.descriptors) {
    if (dup2(fd, target++) < 0) {
      log::fatal(fmt::format("dup2: {}", strerror(errno)));
    }
  }
  execve(birth.program.c_str(), argv, envp);
  log::fatal(
      fmt::format("master_spawn: exec {}: {}", birth.program, strerror(errno)));
}

}  // namespace

Result<pid_t> spawn(const Birth& birth) {
  std::vector<std::string> arguments = birth.arguments;
  std::vector<std::string> environment;
  for (char** at = environ; *at; ++at) environment.emplace_back(*at);
  environment.push_back(fmt::format("GENERATION={:o}", birth.generation));
  std::vector<char*> argv = pointers(arguments);
  std::vector<char*> envp = pointers(environment);
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  if (pid == 0) become_daemon(birth, argv.data(), envp.data());
  int error = errno;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return fail_errno("fork", error);
  return pid;
}

}  // namespace mail::master
