#include "common/daemon/dovecot_clients.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "common/log/log.h"

namespace mail::daemon {

using namespace std::chrono_literals;

namespace {

// The master's descriptors in a child (observed on 2.3.19.1).
constexpr int kNoticeFd = 4, kStatusFd = 5, kMasterDeadFd = 6, kFirstSocket = 7;

struct Status {
  int32_t pid;
  uint32_t generation;
  uint32_t available;
};
static_assert(sizeof(Status) == 12);

}  // namespace

DovecotClients::DovecotClients(DovecotService& service, Limits limits,
                               unsigned generation)
    : service_(service), limits_(limits), generation_(generation) {}

unsigned DovecotClients::room() const {
  if (draining_) return 0;
  unsigned room = active_ < limits_.clients ? limits_.clients - active_ : 0;
  if (limits_.service_count > 0) {
    unsigned left =
        served_ < limits_.service_count ? limits_.service_count - served_ : 0;
    room = std::min(room, left);
  }
  return room;
}

void DovecotClients::begin(const DovecotEnvironment& environment, bool login) {
  fcntl(kStatusFd, F_SETFL, fcntl(kStatusFd, F_GETFL) | O_NONBLOCK);
  watchers_.start(watch_master());
  if (login) watchers_.start(watch_notices());
  int fd = kFirstSocket;
  for (const auto& socket : environment.sockets) {
    UniqueFd owned(fd++);
    fcntl(owned.get(), F_SETFD, FD_CLOEXEC);
    DovecotConnection about{socket.name, socket.ssl, socket.haproxy, false};
    struct stat info;
    if (fstat(owned.get(), &info) != 0) continue;
    if (S_ISFIFO(info.st_mode)) {
      about.fifo = true;
      pipes_.start(serve_pipe(std::move(owned), std::move(about)));
      continue;
    }
    listeners_.push_back(std::make_unique<net::Listener>(std::move(owned)));
    acceptors_.start(accept_from(listeners_.back().get(), std::move(about)));
  }
  tell_master();
}

net::Task<> DovecotClients::accept_from(net::Listener* listener,
                                        DovecotConnection about) {
  while (!draining_) {
    while (room() == 0 && !draining_) co_await changed_.wait();
    if (draining_) co_return;
    auto fd = co_await listener->accept();
    if (!fd) {
      log::error(fd.error().what);
      co_await net::sleep(1s);
      continue;
    }
    ++active_;
    ++served_;
    tell_master();
    clients_.start(serve(std::move(*fd), about));
  }
}

net::Task<> DovecotClients::serve(UniqueFd fd, DovecotConnection about) {
  {
    auto task = service_.serve(net::Stream(std::move(fd)), std::move(about));
    co_await task;
  }
  client_gone();
}

net::Task<> DovecotClients::serve_pipe(UniqueFd fd, DovecotConnection about) {
  // The master holds its other end open: it is not a client.
  auto task = service_.serve(net::Stream(std::move(fd)), std::move(about));
  co_await task;
}

void DovecotClients::client_gone() {
  --active_;
  if (limits_.service_count > 0 && served_ >= limits_.service_count &&
      active_ == 0) {
    drain();
  }
  tell_master();
  changed_.notify_all();
}

void DovecotClients::count(int delta) {
  active_ =
      static_cast<unsigned>(std::max(0, static_cast<int>(active_) + delta));
  tell_master();
  changed_.notify_all();
}

void DovecotClients::tell_master() {
  if (room() == told_) return;
  Status status{getpid(), generation_, room()};
  // A pipe that is full for a moment loses an interim figure only: the next
  // change says the new one.
  if (write(kStatusFd, &status, sizeof status) == sizeof status) {
    told_ = status.available;
  }
}

net::Task<> DovecotClients::watch_master() {
  net::Descriptor dead(UniqueFd(fcntl(kMasterDeadFd, F_DUPFD_CLOEXEC, 100)));
  auto ready = co_await dead.readable(net::Deadline::never());
  (void)ready;
  drain();
}

net::Task<> DovecotClients::watch_notices() {
  // A master that serves each client with a process of its own gives none.
  struct stat info;
  if (fstat(kNoticeFd, &info) != 0 ||
      !(S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode))) {
    co_return;
  }
  net::Descriptor notices(UniqueFd(fcntl(kNoticeFd, F_DUPFD_CLOEXEC, 100)));
  if (notices.fd() < 0) co_return;
  while (true) {
    auto ready = co_await notices.readable(net::Deadline::never());
    if (!ready) co_return;
    char bytes[64];
    ssize_t n = read(notices.fd(), bytes, sizeof bytes);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) co_return;
    if (n > 0 && room() == 0) service_.drop_oldest();
  }
}

void DovecotClients::drain() {
  if (draining_) return;
  draining_ = true;
  tell_master();
  // Not from here: this may run inside one of them.
  net::loop().post([this] { acceptors_.clear(); });
  changed_.notify_all();
}

void DovecotClients::end_if_idle() {
  if (active_ == 0) end_now();
}

void DovecotClients::end_now() {
  draining_ = ended_ = true;
  changed_.notify_all();
}

net::Task<> DovecotClients::finished() {
  while (!ended_ && !(draining_ && active_ == 0)) co_await changed_.wait();
}

}  // namespace mail::daemon
