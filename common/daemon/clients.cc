#include "common/daemon/clients.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "common/daemon/datagrams.h"
#include "common/daemon/siblings.h"
#include "common/log/log.h"

namespace mail::daemon {

using namespace std::chrono_literals;

namespace {
const Clients* running = nullptr;
}  // namespace

bool hands_over() { return running && running->hands_over(); }

Clients::~Clients() {
  if (running == this) running = nullptr;
}

Clients::Clients(Context& context, const Definition& definition,
                 Service& service, std::optional<StatusChannel> status,
                 Limits limits)
    : context_(context),
      definition_(definition),
      service_(service),
      status_(std::move(status)),
      limits_(limits),
      idle_since_(Clock::now()) {}

void Clients::begin(std::vector<int> sockets) {
  running = this;
  if (status_) watchers_.start(watch_master());
  if (limits_.max_idle > Duration::zero()) watchers_.start(watch_idle());
  for (int fd : sockets) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (definition_.kind == Kind::Datagram) {
      datagrams_ = std::make_unique<net::Descriptor>(UniqueFd(fd));
      acceptors_.start(read_datagrams(datagrams_.get()));
      continue;
    }
    listeners_.push_back(std::make_unique<net::Listener>(UniqueFd(fd)));
    acceptors_.start(accept_from(listeners_.back().get()));
  }
}

net::Task<> Clients::accept_from(net::Listener* listener) {
  while (!draining_) {
    while (full()) co_await changed_.wait();
    if (draining_) co_return;
    auto fd = co_await listener->accept();
    if (!fd) {
      log::warning(fd.error().what);
      co_await net::sleep(1s);
      continue;
    }
    // A sibling task may have filled the last place meanwhile; this client is
    // ours all the same, since nobody else will ever see it.
    start_client(std::move(*fd));
  }
}

void Clients::start_client(UniqueFd fd) {
  ++active_;
  ++served_;
  tell_master();
  if (definition_.kind == Kind::Trigger) {
    clients_.start(serve_trigger(std::move(fd)));
  } else if (context_.transport == "pass") {
    clients_.start(serve_passed(std::move(fd)));
  } else {
    clients_.start(serve_stream(std::move(fd)));
  }
}

void Clients::client_gone() {
  --active_;
  if (active_ == 0) idle_since_ = Clock::now();
  if (limits_.max_use > 0 && served_ >= limits_.max_use) drain();
  tell_master();
  changed_.notify_all();
}

void Clients::tell_master() {
  if (!status_ || draining_) return;
  if (!status_->say_available(!full())) drain();
}

net::Task<> Clients::serve_stream(UniqueFd fd) {
  {
    auto task = service_.serve(net::Stream(std::move(fd)));
    co_await task;
  }
  client_gone();
}

net::Task<> Clients::serve_trigger(UniqueFd fd) {
  std::string bytes;
  {
    net::Stream stream(std::move(fd));
    auto got = co_await stream.fill(net::Deadline::in(10s));
    if (got) bytes = stream.input().substr(0, 1024);
  }
  std::erase(bytes, '\0');
  service_.trigger(bytes);
  client_gone();
}

net::Task<> Clients::serve_passed(UniqueFd fd) {
  UniqueFd passed;
  {
    net::Stream stream(std::move(fd));
    auto got = co_await stream.receive_fd(net::Deadline::in(10s));
    if (got) passed = std::move(*got);
  }
  if (passed) {
    auto task = service_.serve(net::Stream(std::move(passed)));
    co_await task;
  }
  client_gone();
}

net::Task<> Clients::read_datagrams(net::Descriptor* socket) {
  DatagramBatch batch;
  while (!draining_) {
    auto ready = co_await socket->readable(net::Deadline::never());
    if (!ready) co_return;
    // All that wait, so that the loop is entered once for a burst.
    while (true) {
      auto texts = batch.receive(socket->fd());
      if (texts.empty()) break;
      service_.datagrams(texts);
      idle_since_ = Clock::now();
      if (texts.size() < DatagramBatch::kMost) break;
    }
  }
}

net::Task<> Clients::watch_master() {
  co_await status_->closed();
  drain();
}

net::Task<> Clients::watch_idle() {
  while (!draining_) {
    Instant end = active_ > 0 ? Clock::now() + limits_.max_idle
                              : idle_since_ + limits_.max_idle;
    if (active_ == 0 && Clock::now() >= end) {
      drain();
      co_return;
    }
    co_await net::sleep(net::Deadline(std::max(end, Clock::now() + 10ms)));
  }
}

void Clients::drain() {
  if (draining_) return;
  draining_ = true;
  // The master must watch the sockets itself while our last clients go on.
  if (status_) status_->say_available(false);
  // Not from here: this may run inside one of them. The sockets are closed, as
  // a new master could not bind them while our last clients go on.
  net::loop().post([this] {
    if (running != this) return;  // the last client has gone, and we with it
    acceptors_.clear();
    listeners_.clear();
  });
  changed_.notify_all();
}

net::Task<> Clients::finished() {
  while (!draining_ || active_ > 0) co_await changed_.wait();
  acceptors_.clear();
  watchers_.clear();
}

}  // namespace mail::daemon
