#include <errno.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <deque>

#include "common/base/clock.h"
#include "dkim-milter/filter_log.h"
#include "dkim-milter/process.h"

namespace mail::dkim_milter {

namespace {

/// What a supervisor hands on to its child; USR1 and the ends.
constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};

sigset_t waited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : kSignals) sigaddset(&set, signal);
  return set;
}

/// Waits for the child, handing signals on. ended: an end was asked for.
int wait_for(pid_t child, const sigset_t& set, bool& ended) {
  int status = 0;
  while (true) {
    pid_t done = waitpid(child, &status, WNOHANG);
    if (done == child || (done < 0 && errno == ECHILD)) return status;
    int signal = 0;
    if (sigwait(&set, &signal) != 0 || signal == SIGCHLD) continue;
    ended = ended || signal != SIGUSR1;
    (void)kill(child, signal);
  }
}

bool too_often(const RestartLimits& limits, std::deque<Instant>& restarts) {
  if (limits.rate_count <= 0) return false;
  Instant now = Clock::now();
  restarts.push_back(now);
  auto span = std::chrono::seconds(limits.rate_seconds);
  while (!restarts.empty() && restarts.front() < now - span) {
    restarts.pop_front();
  }
  return restarts.size() > static_cast<size_t>(limits.rate_count);
}

}  // namespace

std::optional<int> supervise(const RestartLimits& limits) {
  sigset_t set = waited_signals(), before;
  sigprocmask(SIG_BLOCK, &set, &before);
  std::deque<Instant> restarts;
  for (long count = 0;; ++count) {
    if (limits.count > 0 && count > limits.count) {
      log_line(Priority::Error, "maximum restart count exceeded");
      return EX_UNAVAILABLE;
    }
    pid_t child = fork();
    if (child < 0) return EX_OSERR;
    if (child == 0) {
      sigprocmask(SIG_SETMASK, &before, nullptr);
      return std::nullopt;
    }
    bool ended = false;
    int status = wait_for(child, set, ended);
    if (WIFSIGNALED(status)) {
      if (ended) return EX_OK;
      log_line(Priority::Notice,
               fmt::format("terminated with signal {}, restarting",
                           WTERMSIG(status)));
    } else {
      int code = WEXITSTATUS(status);
      if (ended || code == EX_OK) return code;
      if (code == EX_CONFIG || code == EX_SOFTWARE) {
        log_line(Priority::Notice, fmt::format("exited with status {}", code));
        return code;
      }
      log_line(Priority::Notice,
               fmt::format("exited with status {}, restarting", code));
    }
    if (too_often(limits, restarts)) {
      log_line(Priority::Error, "maximum restart rate exceeded");
      return EX_UNAVAILABLE;
    }
  }
}

}  // namespace mail::dkim_milter
