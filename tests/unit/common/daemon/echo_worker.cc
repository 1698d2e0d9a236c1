// A worker for user_workers_test: answers each job with its ids, message and
// what it reads from the descriptor; at "die" it dies.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "common/daemon/user_workers.h"
#include "common/net/loop.h"

namespace {

using mail::daemon::WorkerPort;

mail::net::Task<int> serve(WorkerPort* port) {
  while (true) {
    auto job = co_await port->next();
    if (!job) break;
    if (job->message == "die") ::raise(SIGKILL);
    char byte = '-';
    if (job->fd) (void)!::read(job->fd.get(), &byte, 1);
    port->answer(job->id, fmt::format("{} {} {} {} {}", ::getpid(), ::getuid(),
                                      ::getgid(), job->message, byte));
  }
  while (!port->flushed()) co_await mail::net::yield();
  co_return 0;
}

}  // namespace

int main() {
  mail::net::Loop loop;
  auto port = WorkerPort::inherited();
  if (!port || !port->identity().become()) return 1;
  return loop.run(serve(port.get()));
}
