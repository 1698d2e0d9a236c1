#include "master/spawn/socket_command.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "common/base/clock.h"

namespace mail::spawn {

namespace {

// As shells say it.
constexpr int kNoSuchCommand = 127;
constexpr int kTryLater = 75;

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (auto& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

/// In the child: system calls only.
[[noreturn]] void become_command(const SocketCommand& command, char** argv,
                                 char** envp, int socket) {
  setsid();
  for (int fd = 0; fd < 3; ++fd) dup2(socket, fd);
  close_range(3, ~0U, 0);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (command.ids) {
    if (geteuid() != 0 && seteuid(0) != 0) _exit(kTryLater);
    const auto& ids = *command.ids;
    bool became = setgroups(1, &ids.gid) == 0 &&
                  setresgid(ids.gid, ids.gid, ids.gid) == 0 &&
                  setresuid(ids.uid, ids.uid, ids.uid) == 0;
    if (!became) _exit(kTryLater);
  }
  umask(077);
  execvpe(argv[0], argv, envp);
  _exit(kNoSuchCommand);
}

/// Whether the process ended within the limit.
bool ends_within(const UniqueFd& process, std::chrono::seconds limit) {
  using std::chrono::milliseconds;
  auto until = Clock::now() + limit;
  while (true) {
    auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
    if (left.count() <= 0) return false;
    pollfd wait{process.get(), POLLIN, 0};
    int n = poll(&wait, 1, int(std::min<long>(left.count(), 60'000)));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
  }
}

}  // namespace

Result<SocketCommandEnd> run_on_socket(const SocketCommand& command,
                                       UniqueFd socket) {
  auto argv = pointers(command.argv);
  auto envp = pointers(command.environment);
  int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0 || fcntl(socket.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) {
    return fail_errno("fcntl", errno);
  }
  pid_t pid = fork();
  if (pid < 0) return fail_errno("fork", errno);
  if (pid == 0) become_command(command, argv.data(), envp.data(), socket.get());
  socket.reset();
  SocketCommandEnd end;
  end.pid = pid;
  UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process || !ends_within(process, command.time_limit)) {
    end.timed_out = true;
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("waitpid", errno);
  }
  if (WIFSIGNALED(status)) {
    end.signal = WTERMSIG(status);
  } else {
    end.status = WEXITSTATUS(status);
  }
  return end;
}

}  // namespace mail::spawn
