#include "master/dovecot/service.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "common/log/log.h"
#include "master/dovecot/house.h"

namespace mail::dovecot {

using namespace std::chrono_literals;

namespace {

constexpr auto kLongestThrottle = 60s;
constexpr auto kStartupTime = 30s;

struct Status {
  int32_t pid;
  uint32_t generation;
  uint32_t available;
};

}  // namespace

Service::Service(House& house, Spec spec, unsigned generation)
    : house_(house), spec_(std::move(spec)), generation_(generation) {}

Service::~Service() = default;

Result<> Service::open() {
  status_ = TRY(Pipe::make());
  dead_ = TRY(Pipe::make());
  for (auto& listener : spec_.listeners) {
    sockets_.push_back(std::make_unique<net::Descriptor>(
        UniqueFd(fcntl(listener->fd.get(), F_DUPFD_CLOEXEC, 100))));
  }
  return {};
}

void Service::begin() {
  tasks_.start(read_status());
  for (auto& socket : sockets_) watchers_.start(watch(socket.get()));
  if (!spec_.idle_for_ever) tasks_.start(kill_idle());
  unsigned wanted = std::min(spec_.process_min_avail, spec_.process_limit);
  while (children_.size() < wanted) {
    if (!start()) break;
  }
}

unsigned Service::available_processes() const {
  return static_cast<unsigned>(
      std::count_if(children_.begin(), children_.end(),
                    [](const auto& one) { return one.second.available > 0; }));
}

bool Service::needs_process() const {
  return !retired_ && !throttled_ && available_processes() == 0;
}

net::Task<> Service::watch(net::Descriptor* socket) {
  while (!retired_) {
    while (!needs_process()) co_await changed_.wait();
    if (retired_) co_return;
    auto ready = co_await socket->readable(net::Deadline::never());
    if (!ready) co_return;
    if (!needs_process()) continue;  // a sibling socket was faster
    if (children_.size() >= spec_.process_limit) {
      limit_reached();
      co_await net::sleep(1s);
      continue;
    }
    if (auto started = start(); !started) {
      log::error(started.error().what);
      co_await net::sleep(1s);
    }
  }
}

void Service::limit_reached() {
  // The oldest of a login service may let somebody go.
  for (auto& [pid, child] : children_) {
    if (child.notice) {
      [[maybe_unused]] auto n = write(child.notice.get(), "", 1);
    }
  }
  Instant now = Clock::now();
  if (now < last_warning_ + 60s) return;
  last_warning_ = now;
  bool clients = spec_.process_limit == 1;
  log::warning(fmt::format(
      "service({}): {} ({}) reached, client connections are being dropped",
      spec_.name, clients ? "client_limit" : "process_limit",
      clients ? spec_.client_limit : spec_.process_limit));
}

Result<> Service::start() {
  ChildFds fds;
  fds.status = status_.write.get();
  fds.dead = dead_.write.get();
  size_t first = 0;
  bool is_log = spec_.type == "log";
  if (is_log) {
    house_.log_pipes().greet();
    fds.sockets = house_.log_pipes().readers();
  } else {
    fds.log = TRY(house_.log_pipes().writer_for(spec_.name));
    if (spec_.type == "anvil") {
      house_.greet_anvil();
      fds.sockets = house_.anvil_readers();
      fds.notice = house_.anvil_notices();
    } else {
      fds.anvil = house_.anvil_writer();
    }
  }
  first = fds.sockets.size();
  for (auto& listener : spec_.listeners) {
    fds.sockets.push_back(listener->fd.get());
  }
  Child child;
  UniqueFd notice_reader;
  if (spec_.type == "login") {
    auto pipe = TRY(Pipe::make());
    fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
    child.notice = std::move(pipe.write);
    notice_reader = std::move(pipe.read);
    fds.notice = notice_reader.get();
  }
  child.pid =
      TRY(start_child(spec_, fds, first, generation_, house_.surroundings()));
  child.available = spec_.client_limit;  // until it says better
  child.since = Clock::now();
  ++total_;
  children_.emplace(child.pid, std::move(child));
  changed_.notify_all();
  return {};
}

net::Task<> Service::read_status() {
  net::Descriptor pipe(
      UniqueFd(fcntl(status_.read.get(), F_DUPFD_CLOEXEC, 100)));
  while (true) {
    auto ready = co_await pipe.readable(net::Deadline::never());
    if (!ready) co_return;
    Status records[64];
    ssize_t n = read(pipe.fd(), records, sizeof records);
    for (ssize_t i = 0; i < n / static_cast<ssize_t>(sizeof(Status)); ++i) {
      take_status(records[i].pid, records[i].available);
    }
  }
}

void Service::take_status(pid_t pid, unsigned available) {
  auto found = children_.find(pid);
  if (found == children_.end()) return;
  Child& child = found->second;
  if (!child.started) {
    child.started = true;
    child.most = available;
    throttle_ = 0s;
  }
  child.available = available;
  child.since = Clock::now();
  changed_.notify_all();
}

net::Task<> Service::kill_idle() {
  while (true) {
    Instant next = Instant::max();
    unsigned idle = 0;
    for (auto& [pid, child] : children_) {
      if (!child.started) {
        next = std::min(next, child.since + kStartupTime);
        if (!child.killed && Clock::now() >= child.since + kStartupTime) {
          log::error(fmt::format(
              "service({}): Initial status notification not received in 30 "
              "seconds, killing the process",
              spec_.name));
          child.killed = true;
          kill(pid, SIGKILL);
        }
      } else if (child.available == child.most) {
        ++idle;
      }
    }
    for (auto& [pid, child] : children_) {
      if (!child.started || child.available != child.most) continue;
      if (idle <= spec_.process_min_avail && !retired_) break;
      Instant due = child.since + spec_.idle_kill;
      if (Clock::now() < due) {
        next = std::min(next, due);
        continue;
      }
      kill(pid, SIGINT);
      child.since = Clock::now();  // asks again later
      --idle;
    }
    if (next == Instant::max()) {
      co_await changed_.wait();
    } else {
      co_await net::sleep(net::Deadline(std::max(next, Clock::now() + 100ms)));
    }
  }
}

std::string Service::how_it_died(pid_t pid, int status) const {
  if (WIFSIGNALED(status)) {
    return fmt::format(
        "master: service({}): child {} killed with signal {} (core dumps "
        "disabled - https://dovecot.org/bugreport.html#coredumps)",
        spec_.name, pid, WTERMSIG(status));
  }
  int code = WEXITSTATUS(status);
  std::string_view why = code == 80   ? " (Can't open log file)"
                         : code == 81 ? " (Can't write to log file)"
                         : code == 82 ? " (Internal logging error)"
                         : code == 83 ? " (Out of memory)"
                         : code == 84 ? " (exec() failed)"
                         : code == 89 ? " (Fatal failure)"
                                      : "";
  return fmt::format("master: service({}): child {} returned error {}{}",
                     spec_.name, pid, code, why);
}

bool Service::reap(pid_t pid, int status) {
  auto found = children_.find(pid);
  if (found == children_.end()) return false;
  bool by_us = found->second.killed ||
               (WIFSIGNALED(status) &&
                (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT));
  bool bad = status != 0 && !by_us;
  bool early = !found->second.started;
  children_.erase(found);
  if (spec_.type != "anvil") house_.tell_anvil(pid);
  if (bad) {
    house_.log_pipes().tell(
        spec_.name, pid,
        fmt::format("{} {}", WIFSIGNALED(status) ? "FATAL" : "DEFAULT-FATAL",
                    how_it_died(pid, status)));
    last_failure_ = time(nullptr);
  }
  house_.log_pipes().tell(spec_.name, pid, "BYE");
  if (bad && early) failed();
  if (!retired_ && !throttled_ && children_.size() < spec_.process_min_avail) {
    (void)start();
  }
  changed_.notify_all();
  return true;
}

void Service::failed() {
  throttle_ = throttle_ == 0s ? 2s : std::min(throttle_ * 2, 60s);
  log::error(fmt::format(
      "service({}): command startup failed, throttling for {}.000 secs",
      spec_.name, throttle_.count()));
  throttled_ = true;
  tasks_.start(throttle());
}

net::Task<> Service::throttle() {
  co_await net::sleep(Duration(throttle_));
  throttled_ = false;
  if (!retired_ && children_.size() < spec_.process_min_avail) (void)start();
  changed_.notify_all();
}

void Service::retire() {
  retired_ = true;
  watchers_.clear();
  sockets_.clear();
  for (auto& listener : spec_.listeners) listener->fd.reset();
  changed_.notify_all();
  signal_all(SIGINT);
}

void Service::end_and_wait() {
  signal_all(SIGTERM);
  for (int tries = 0; tries < 400 && !children_.empty(); ++tries) {
    timespec pause{0, 5 * 1000 * 1000};
    if (tries > 0) nanosleep(&pause, nullptr);
    if (tries == 300) signal_all(SIGKILL);
    std::erase_if(children_, [](const auto& one) {
      return waitpid(one.first, nullptr, WNOHANG) == one.first;
    });
  }
}

void Service::signal_all(int number) {
  for (auto& [pid, child] : children_) {
    if (number == SIGTERM || number == SIGKILL) child.killed = true;
    kill(pid, number);
  }
}

std::string Service::status_line() const {
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t0\t0\tn\t{}\tn\t{}\n",
                     spec_.name, children_.size(), available_processes(),
                     spec_.process_limit, spec_.client_limit,
                     throttled_ ? throttle_.count() : 0, last_failure_,
                     needs_process() ? 'y' : 'n', total_);
}

}  // namespace mail::dovecot
