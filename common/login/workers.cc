#include "common/login/workers.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace mail::login {
namespace {

// Of the master's contract: the anvil pipe and the pipe that tells of its end
// go on to workers; the status pipe is not theirs.
constexpr int kAnvil = 3, kMasterDead = 6;
constexpr int kNotify = 4, kStatus = 5;
constexpr std::chrono::seconds kWorkerIdle{60};

std::vector<int> those_open(std::vector<int> fds) {
  std::erase_if(fds, [](int fd) { return ::fcntl(fd, F_GETFD) < 0; });
  return fds;
}

}  // namespace

void lift_memory_limit() {
  // Our own master sets the soft limit of RLIMIT_DATA, a genuine one both of
  // RLIMIT_AS.
  for (auto which : {RLIMIT_DATA, RLIMIT_AS}) {
    rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(which, &limit) == 0) continue;
    // Without CAP_SYS_RESOURCE: as far as it goes.
    if (getrlimit(which, &limit) != 0) continue;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(which, &limit);
  }
}

std::vector<gid_t> supplementary_groups() {
  std::vector<gid_t> groups(
      static_cast<size_t>(std::max(0, ::getgroups(0, nullptr))));
  int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<size_t>(std::max(0, count)));
  // root's own group is no service's extra_groups.
  std::erase(groups, gid_t{0});
  return groups;
}

daemon::UserWorkers::Options worker_options(
    const daemon::DovecotContext& context) {
  daemon::UserWorkers::Options options;
  options.idle = kWorkerIdle;
  options.processes = context.process_limit;
  if (!context.standalone) {
    options.keep = those_open({kAnvil, kMasterDead});
    options.null = those_open({kNotify, kStatus});
    // They take no clients, and have become their users before they are
    // confined.
    options.without_variables = {"SOCKET", "RESTRICT_"};
  }
  return options;
}

net::Task<> work(daemon::DovecotContext& context, daemon::WorkerPort& port,
                 net::TaskSet& jobs,
                 std::function<net::Task<>(daemon::WorkerPort::Job)> serve,
                 std::function<void()> stopping) {
  // Nobody connects to this process; it ends when its parent says so.
  co_await net::yield();
  context.count_client(1);
  while (true) {
    auto job = co_await port.next();
    if (!job) break;
    jobs.start(serve(std::move(*job)));
  }
  if (stopping && port.stopping()) stopping();
  co_await jobs.drained();
  while (!port.flushed()) co_await net::yield();
  context.drain();
  context.count_client(-1);
}

}  // namespace mail::login
