#include "common/process/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/unique_fd.h"

namespace mail::process {

namespace {

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (auto& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

void say(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

/// In the child: system calls only, what fails is said on its output.
[[noreturn]] void become_command(const Command& command, char** argv,
                                 char** envp, int in, int out) {
  setsid();
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  close_range(3, ~0U, 0);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  bool ready = command.root.empty() ||
               (chroot(command.root.c_str()) == 0 && chdir("/") == 0);
  if (ready && command.ids) {
    if (geteuid() != 0 && seteuid(0) != 0) ready = false;
    const UserIds& ids = *command.ids;
    ready = ready && setgroups(1, &ids.gid) == 0 &&
            setresgid(ids.gid, ids.gid, ids.gid) == 0 &&
            setresuid(ids.uid, ids.uid, ids.uid) == 0;
  }
  if (ready && !command.directory.empty() &&
      chdir(command.directory.c_str()) != 0) {
    say("4.3.0 cannot change to the command's directory");
    _exit(75);
  }
  if (!ready) {
    say("4.3.0 cannot become the command's user");
    _exit(75);
  }
  umask(077);
  execvpe(argv[0], argv, envp);
  // As the originals: 75 when it may be better later, else a plain failure.
  int error = errno;
  say("execvp ");
  say(argv[0]);
  say(error == ENOENT   ? ": No such file or directory"
      : error == EACCES ? ": Permission denied"
                        : ": cannot be executed");
  _exit(error == EAGAIN || error == ENOMEM || error == ENFILE
            ? 75
            : command.no_such_command);
}

class Running {
 public:
  Running(pid_t pid, UniqueFd in, UniqueFd out, const Command& command)
      : pid_(pid),
        in_(std::move(in)),
        out_(std::move(out)),
        limit_(command.output_limit),
        until_(Clock::now() + command.time_limit) {
    fcntl(in_.get(), F_SETFL, O_NONBLOCK);
    fcntl(out_.get(), F_SETFL, O_NONBLOCK);
  }

  Result<CommandEnd> talk(const CommandInput& input) {
    while (in_ || out_) {
      if (in_ && sent_ == pending_.size()) {
        auto fed = feed(input);
        if (!fed) {
          kill_and_wait();
          return fail(fed.error());
        }
        if (!in_) continue;
      }
      if (!wait_for_either()) {
        end_.timed_out = true;
        kill_and_wait();
        return end_;
      }
    }
    return reap();
  }

 private:
  Result<> feed(const CommandInput& input) {
    pending_.clear();
    sent_ = 0;
    while (more_ && pending_.empty()) more_ = TRY(input(pending_));
    if (pending_.empty()) in_.reset();
    return {};
  }

  bool wait_for_either() {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until_ - Clock::now());
    if (left.count() <= 0) return false;
    pollfd fds[2] = {{in_ ? in_.get() : -1, POLLOUT, 0},
                     {out_ ? out_.get() : -1, POLLIN, 0}};
    int n = poll(fds, 2, static_cast<int>(std::min<long>(left.count(), 1000)));
    if (n < 0 && errno != EINTR) return false;
    if (fds[0].revents != 0) send();
    if (fds[1].revents != 0) receive();
    return true;
  }

  void send() {
    ssize_t n =
        ::write(in_.get(), pending_.data() + sent_, pending_.size() - sent_);
    if (n > 0) sent_ += static_cast<size_t>(n);
    if (n < 0 && errno != EAGAIN && errno != EINTR) in_.reset();
  }

  void receive() {
    char buffer[4096];
    ssize_t n = ::read(out_.get(), buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      out_.reset();
      in_.reset();  // nobody is left to read
      return;
    }
    size_t room = limit_ - std::min(limit_, end_.output.size());
    end_.output.append(buffer, std::min(static_cast<size_t>(n), room));
  }

  /// Closed output is not yet an exit: goes on waiting, until the limit.
  Result<CommandEnd> reap() {
    int status = 0;
    pid_t got = 0;
    while ((got = waitpid(pid_, &status, WNOHANG)) == 0) {
      if (Clock::now() >= until_) {
        end_.timed_out = true;
        kill_and_wait();
        return end_;
      }
      poll(nullptr, 0, 2);
    }
    if (got < 0) return fail_errno("waitpid", errno);
    if (WIFSIGNALED(status)) {
      end_.signal = WTERMSIG(status);
    } else {
      end_.status = WEXITSTATUS(status);
    }
    return end_;
  }

  void kill_and_wait() {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  pid_t pid_;
  UniqueFd in_, out_;
  size_t limit_;
  Instant until_;
  std::string pending_;
  size_t sent_ = 0;
  bool more_ = true;
  CommandEnd end_;
};

}  // namespace

Result<CommandEnd> run_command(const Command& command,
                               const CommandInput& input) {
  Pipe in = TRY(make_pipe());
  Pipe out = TRY(make_pipe());
  auto argv = pointers(command.argv);
  auto envp = pointers(command.environment);
  pid_t pid = fork();
  if (pid < 0) return fail_errno("fork", errno);
  if (pid == 0) {
    become_command(command, argv.data(), envp.data(), in.read.get(),
                   out.write.get());
  }
  in.read.reset();
  out.write.reset();
  return Running(pid, std::move(in.write), std::move(out.read), command)
      .talk(input);
}

std::vector<std::string> shell_words(const std::string& text) {
  constexpr std::string_view kBuiltins[] = {
      ".",       ":",     "alias", "bg",   "break",    "case",   "cd",
      "command", "eval",  "exec",  "exit", "export",   "fg",     "for",
      "getopts", "if",    "jobs",  "read", "readonly", "return", "set",
      "shift",   "times", "trap",  "type", "ulimit",   "umask",  "unset",
      "until",   "wait",  "while"};
  bool plain =
      text.find_first_of("!\"#$&'()*;<=>?[\\]^`{|}~\n") == std::string::npos;
  auto words = split(text, " \t");
  if (plain && !words.empty() &&
      std::find(std::begin(kBuiltins), std::end(kBuiltins), words[0]) ==
          std::end(kBuiltins)) {
    return {words.begin(), words.end()};
  }
  return {"/bin/sh", "-c", text};
}

}  // namespace mail::process
