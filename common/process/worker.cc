#include "common/process/worker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/check.h"
#include "common/base/unique_fd.h"

namespace mail::process {

struct Worker::State {
  struct Job {
    std::function<void()> run, completed;
  };
  unsigned limit;
  UniqueFd wake;
  std::mutex mutex;
  std::condition_variable work;
  std::deque<Job> waiting;
  std::vector<std::function<void()>> completed;
  size_t idle = 0;
  bool ending = false;
  std::vector<std::thread> threads;

  void serve() {
    std::unique_lock lock(mutex);
    while (true) {
      ++idle;
      work.wait(lock, [this] { return ending || !waiting.empty(); });
      --idle;
      if (ending) return;
      Job job = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      job.run();
      job.run = nullptr;
      lock.lock();
      completed.push_back(std::move(job.completed));
      if (completed.size() == 1) {
        uint64_t one = 1;
        [[maybe_unused]] auto n = write(wake.get(), &one, sizeof(one));
      }
    }
  }

  void start_thread() {
    // Signals are the loop's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    threads.emplace_back([this] { serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
};

Worker::Worker(unsigned threads) : state_(std::make_unique<State>()) {
  state_->limit = threads;
  state_->wake.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  CHECK(state_->wake);
}

Worker::~Worker() {
  {
    std::lock_guard lock(state_->mutex);
    state_->ending = true;
    state_->waiting.clear();
  }
  state_->work.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

int Worker::wake_fd() const { return state_->wake.get(); }

void Worker::submit(std::function<void()> job,
                    std::function<void()> completed) {
  std::lock_guard lock(state_->mutex);
  state_->waiting.push_back({std::move(job), std::move(completed)});
  if (state_->idle < state_->waiting.size() &&
      state_->threads.size() < state_->limit) {
    state_->start_thread();
  }
  state_->work.notify_one();
}

void Worker::drain() {
  std::vector<std::function<void()>> done;
  {
    std::lock_guard lock(state_->mutex);
    uint64_t count;
    [[maybe_unused]] auto n = read(state_->wake.get(), &count, sizeof(count));
    done.swap(state_->completed);
  }
  for (auto& completed : done) completed();
}

}  // namespace mail::process
