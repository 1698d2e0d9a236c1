#include "common/daemon/workers.h"

#include <memory>

#include "common/daemon/service.h"
#include "common/net/descriptor.h"
#include "common/process/worker.h"

namespace mail::daemon {

namespace {

struct Pool {
  process::Worker worker;
  net::TaskSet tasks;

  net::Task<> collect() {
    net::Descriptor wake(UniqueFd(dup(worker.wake_fd())));
    while (true) {
      auto ready = co_await wake.readable(net::Deadline::never());
      if (!ready) co_return;
      worker.drain();
    }
  }
};

// One a process, made at the first job (so after confinement).
std::unique_ptr<Pool> pool;

}  // namespace

void submit_blocking(std::function<void()> job, std::function<void()> done) {
  if (!pool) {
    pool = std::make_unique<Pool>();
    pool->tasks.start(pool->collect());
  }
  pool->worker.submit(std::move(job), std::move(done));
}

void end_workers() { pool.reset(); }

}  // namespace mail::daemon
