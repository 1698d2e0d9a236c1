#include "master/running.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/log/log.h"
#include "common/net/loop.h"
#include "master/child_command.h"
#include "master/log_lines.h"
#include "master/sockets.h"
#include "master/spawn.h"
#include "master/wakeup.h"

namespace mail::master {

namespace {

Roster make_roster(const ServiceSpec& spec, Duration throttle_time) {
  return Roster(spec.line.process_limit, !spec.local_only, throttle_time);
}

}  // namespace

Running::Running(House& house, ServiceSpec spec, std::vector<UniqueFd> sockets,
                 Duration throttle_time)
    : house_(house),
      spec_(std::move(spec)),
      throttle_time_(throttle_time),
      roster_(make_roster(spec_, throttle_time)),
      alive_(std::make_shared<int>()) {
  for (auto& fd : sockets) {
    sockets_.push_back(std::make_unique<net::Descriptor>(std::move(fd)));
  }
}

void Running::begin() {
  open_status_channel();
  update();
  if (spec_.line.wakeup > 0) watching_.start(wake_regularly());
}

void Running::change(ServiceSpec spec, Duration throttle_time) {
  listening_.clear();
  watching_.clear();
  throttling_.clear();
  listening_now_ = false;
  if (spec.is_inet() && spec.addresses != spec_.addresses) {
    log::warning(fmt::format("service {}: ignoring inet_interfaces change",
                             spec.line.name));
    log::warning("to change inet_interfaces, stop and start Postfix");
    spec.addresses = spec_.addresses;
    spec.local_only = spec_.local_only;
  }
  spec_ = std::move(spec);
  throttle_time_ = throttle_time;
  roster_ = make_roster(spec_, throttle_time);
  begin();
}

void Running::terminate_children() {
  for (pid_t pid : roster_.pids()) kill(pid, SIGTERM);
}

void Running::open_status_channel() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    log::fatal(fmt::format("socketpair: {}", strerror(errno)));
  }
  status_for_children_ = move_high(UniqueFd(ends[1]));
  status_ = std::make_unique<net::Descriptor>(move_high(UniqueFd(ends[0])));
  watching_.start(read_status());
}

net::Task<> Running::read_status() {
  std::string bytes;
  while (true) {
    auto ready = co_await status_->readable(net::Deadline::never());
    if (!ready) co_return;
    char buffer[StatusMessage::kSize * 64];
    ssize_t n = read(status_->fd(), buffer, sizeof(buffer));
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) co_return;  // we hold the other end ourselves
    bytes.append(buffer, static_cast<size_t>(n));
    size_t at = 0;
    for (; bytes.size() - at >= StatusMessage::kSize;
         at += StatusMessage::kSize) {
      std::string_view one(bytes.data() + at, StatusMessage::kSize);
      roster_.told(StatusMessage::decode(one));
    }
    bytes.erase(0, at);
    update();
  }
}

void Running::update() {
  Instant now = Clock::now();
  if (roster_.take_limit_warning(now)) warn_of_limit();
  bool wanted = roster_.wants_child(now);
  if (wanted && !listening_now_) {
    start_listening();
  } else if (!wanted && listening_now_) {
    listening_now_ = false;
    listening_.clear();
  }
  if (auto until = roster_.throttled(now); until && throttling_.empty()) {
    throttling_.start(wait_for_throttle(*until));
  }
}

void Running::start_listening() {
  listening_now_ = true;
  for (auto& socket : sockets_) listening_.start(listen(socket.get()));
}

net::Task<> Running::listen(net::Descriptor* socket) {
  auto ready = co_await socket->readable(net::Deadline::never());
  if (!ready) co_return;
  // Not from inside this task: it will be among those that are cancelled.
  std::weak_ptr<int> alive = alive_;
  net::loop().post([this, alive] {
    if (!alive.expired()) client_waits();
  });
}

void Running::client_waits() {
  if (!listening_now_) return;  // two sockets were ready at once
  listening_now_ = false;
  listening_.clear();
  if (roster_.wants_child(Clock::now())) start_child();
  update();
}

void Running::start_child() {
  Instant now = Clock::now();
  ChildFlags flags;
  flags.attached = house_.attached;
  flags.verbose = house_.verbose;
  flags.rootless = house_.rootless;
  flags.stressed = roster_.stressed(now);
  flags.sockets = sockets_.size();
  Birth birth;
  birth.program = spec_.program;
  birth.arguments = child_arguments(spec_, flags);
  birth.generation = house_.generation++;
  birth.descriptors = {house_.flow_read.get(), house_.flow_write.get(),
                       status_for_children_.get()};
  for (auto& socket : sockets_) birth.descriptors.push_back(socket->fd());
  auto pid = spawn(birth);
  if (!pid) {
    log_lines::fork_failed(pid.error().sys);
    roster_.throttle(now);
    return;
  }
  roster_.started(*pid, birth.generation, now);
  was_used_ = true;
  used_.notify_all();
}

net::Task<> Running::wait_for_throttle(Instant until) {
  co_await net::sleep(net::Deadline(until));
  std::weak_ptr<int> alive = alive_;
  net::loop().post([this, alive] {
    if (!alive.expired()) update();
  });
}

net::Task<> Running::wake_regularly() {
  while (spec_.line.wakeup_when_used && !was_used_) co_await used_.wait();
  while (true) {
    if (!roster_.throttled(Clock::now())) {
      co_await wake_up(spec_.line.type, wakeup_address(spec_));
    }
    co_await net::sleep(std::chrono::seconds(spec_.line.wakeup));
  }
}

void Running::warn_of_limit() {
  uint16_t port = spec_.is_inet() ? spec_.addresses.front().port : 0;
  log_lines::limit_reached(
      spec_.line.name,
      spec_.is_inet() ? fmt::format("{}", port) : spec_.line.name,
      roster_.limit());
}

bool Running::child_exited(pid_t pid, int wait_status) {
  bool failed = !WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0;
  Roster::Exit exit = roster_.exited(pid, failed, Clock::now());
  if (exit == Roster::Exit::Unknown) return false;
  if (failed) log_lines::child_failed(spec_.program, pid, wait_status);
  if (exit == Roster::Exit::BadStart) log_lines::bad_startup(spec_.program);
  update();
  return true;
}

}  // namespace mail::master
