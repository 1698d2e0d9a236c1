// Threads that take connections, and the end of them all.
#include <errno.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "dkim-milter/connection.h"
#include "dkim-milter/filter_log.h"
#include "dkim-milter/milter.h"

namespace mail::dkim_milter {

namespace {

constexpr int kMaxWaiting = 8;
constexpr auto kGrace = std::chrono::seconds(5);
constexpr auto kPause = std::chrono::milliseconds(200);
constexpr auto kLook = std::chrono::milliseconds(10);

class Server {
 public:
  Server(int listener, std::function<std::shared_ptr<const Context>()> context)
      : listener_(listener), context_(std::move(context)) {}

  void run() {
    sigset_t ends;
    sigemptyset(&ends);
    for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ends, signal);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    start_thread();
    int signal = 0;
    while (sigwait(&ends, &signal) != 0) {
    }
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    (void)shutdown(listener_, SHUT_RDWR);
    for (auto end = std::chrono::steady_clock::now() + kGrace;
         messages_ > 0 && std::chrono::steady_clock::now() < end;) {
      std::this_thread::sleep_for(kLook);
    }
  }

 private:
  /// A failure leaves it to the threads that there are.
  void start_thread() {
    ++waiting_;
    pthread_t thread;
    auto begin = [](void* server) -> void* {
      static_cast<Server*>(server)->work();
      return nullptr;
    };
    int error = pthread_create(&thread, nullptr, begin, this);
    if (error == 0) {
      pthread_detach(thread);
      return;
    }
    --waiting_;
    log_line(Priority::Error,
             fmt::format("thread for a client: {}", strerror(error)));
  }

  /// The next connection; none when all ends.
  UniqueFd next_client() {
    while (true) {
      UniqueFd fd(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
      int error = errno;
      std::unique_lock lock(mutex_);
      if (ending_) return UniqueFd();
      if (fd) {
        // Somebody else waits for the next one.
        if (--waiting_ == 0) start_thread();
        return fd;
      }
      lock.unlock();
      if (error == EINTR || error == ECONNABORTED) continue;
      log_line(Priority::Error,
               fmt::format("accept() returned invalid socket ({}), try again",
                           strerror(error)));
      std::this_thread::sleep_for(kPause);
    }
  }

  void work() {
    while (true) {
      UniqueFd client = next_client();
      if (!client) return;
      Connection(std::move(client), context_(), messages_).serve();
      std::lock_guard lock(mutex_);
      if (ending_ || waiting_ >= kMaxWaiting) return;
      ++waiting_;
    }
  }

  int listener_;
  std::function<std::shared_ptr<const Context>()> context_;
  std::mutex mutex_;
  int waiting_ = 0;  // these two guarded by mutex_
  bool ending_ = false;
  std::atomic<int> messages_ = 0;
};

}  // namespace

void serve_milter(const UniqueFd& listener,
                  std::function<std::shared_ptr<const Context>()> context) {
  // Its threads may outlive this call.
  (new Server(listener.get(), std::move(context)))->run();
}

}  // namespace mail::dkim_milter
