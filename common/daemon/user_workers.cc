#include "common/daemon/user_workers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/check.h"
#include "common/base/number.h"
#include "common/log/log.h"

namespace mail::daemon {
namespace {

constexpr char kVariable[] = "POSTCOTE_WORKER";  // "FD IDENTITY"
// A word of the parent's that is no job: number 0.
constexpr uint32_t kStop = 0;

std::string frame(uint32_t id, std::string_view text) {
  std::string out(reinterpret_cast<const char*>(&id), sizeof(id));
  out += text;
  return out;
}

std::optional<uint32_t> take_id(std::string& message) {
  uint32_t id;
  if (message.size() < sizeof(id)) return std::nullopt;
  memcpy(&id, message.data(), sizeof(id));
  message.erase(0, sizeof(id));
  return id;
}

std::vector<std::string> own_arguments() {
  std::vector<std::string> arguments;
  UniqueFd fd(::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  std::string text;
  char buffer[4096];
  ssize_t n;
  while ((n = ::read(fd.get(), buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<size_t>(n));
  }
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\0', at), text.size());
    arguments.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return arguments;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (auto& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

/// Our environment, but for what `options` say and with `own`.
std::vector<std::string> environment_with(const UserWorkers::Options& options,
                                          std::string own) {
  std::vector<std::string> all;
  std::string name = fmt::format("{}=", kVariable);
  for (char** e = environ; *e; ++e) {
    std::string_view variable(*e);
    if (variable.starts_with(name)) continue;
    bool dropped = std::any_of(
        options.without_variables.begin(), options.without_variables.end(),
        [&](auto& prefix) { return variable.starts_with(prefix); });
    if (!dropped) all.emplace_back(variable);
  }
  all.insert(all.end(), options.variables.begin(), options.variables.end());
  all.push_back(std::move(own));
  return all;
}

/// What a spawned process inherits.
class SpawnSetup {
 public:
  SpawnSetup() {
    CHECK(posix_spawn_file_actions_init(&actions_) == 0);
    CHECK(posix_spawnattr_init(&attributes_) == 0);
    // The handlers and masks of a loop are not the worker's.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  /// dup2 of a descriptor to itself clears its close-on-exec flag.
  void keep(int fd) { posix_spawn_file_actions_adddup2(&actions_, fd, fd); }
  void null(int fd) {
    posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDWR, 0);
  }
  Result<pid_t> spawn(const std::string& path,
                      std::vector<std::string> arguments,
                      std::vector<std::string> environment) {
    pid_t pid = -1;
    int error =
        posix_spawn(&pid, path.c_str(), &actions_, &attributes_,
                    pointers(arguments).data(), pointers(environment).data());
    if (error) return fail_errno(fmt::format("start {}", path), error);
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

// ---- the socket

void JobChannel::send(std::string message, UniqueFd fd) {
  CHECK(message.size() <= kMaxJobMessage + sizeof(uint32_t));
  outgoing_.push_back({std::move(message), std::move(fd)});
  if (!sending_) tasks_.start(send_all());
}

net::Task<> JobChannel::send_all() {
  sending_ = true;
  while (!outgoing_.empty()) {
    Outgoing next = std::move(outgoing_.front());
    outgoing_.pop_front();
    auto sent = co_await net::send_passing(socket_, next.message, next.fd.get(),
                                           net::Deadline::never());
    if (!sent) outgoing_.clear();  // the reader of the socket hears it too
  }
  sending_ = false;
}

net::Task<Result<net::Passed>> JobChannel::next() {
  auto got = co_await net::receive_passing(
      socket_, kMaxJobMessage + sizeof(uint32_t), net::Deadline::never());
  co_return got;
}

// ---- root's side

struct UserWorkers::Worker {
  struct Waiting {
    std::optional<Result<std::string>> answer;
    net::Condition answered;
  };
  Worker(Identity identity, pid_t process, UniqueFd socket)
      : who(std::move(identity)), pid(process), channel(std::move(socket)) {}
  Identity who;
  pid_t pid;
  JobChannel channel;
  std::map<uint32_t, std::shared_ptr<Waiting>> jobs;
  Instant idle_since = Clock::now();
};

UserWorkers::UserWorkers(Options options) : options_(std::move(options)) {
  if (options_.arguments.empty()) options_.arguments = own_arguments();
  if (options_.idle > Duration::zero()) tasks_.start(watch_idle());
}

UserWorkers::~UserWorkers() { tasks_.clear(); }

Result<std::unique_ptr<UserWorkers::Worker>> UserWorkers::start(
    const Identity& who) {
  auto pair = TRY(net::make_pair(net::PairKind::Messages));
  // At one that is surely free in the worker: dup2 to itself does not move it.
  int fd = pair.theirs.get();
  SpawnSetup setup;
  for (int kept : options_.keep) setup.keep(kept);
  for (int null : options_.null) setup.null(null);
  setup.keep(fd);
  auto pid = TRY(setup.spawn(
      options_.executable, options_.arguments,
      environment_with(options_,
                       fmt::format("{}={} {}", kVariable, fd, who.text()))));
  return std::make_unique<Worker>(who, pid, std::move(pair.ours));
}

Result<UserWorkers::Worker*> UserWorkers::worker_of(const Identity& who) {
  auto found = workers_.find(who);
  if (found != workers_.end()) return found->second.get();
  if (stopped_) return fail_errno("stopping", ECANCELED);
  if (options_.processes && processes() >= options_.processes) {
    return fail_errno(
        fmt::format("process_limit ({}) reached", options_.processes), EAGAIN);
  }
  auto worker = TRY(start(who));
  Worker* borrowed = worker.get();
  workers_.emplace(who, std::move(worker));
  tasks_.start(listen(borrowed));
  return borrowed;
}

Result<pid_t> UserWorkers::prepare(const Identity& who) {
  return TRY(worker_of(who))->pid;
}

net::Task<Result<std::string>> UserWorkers::call(Identity who, UniqueFd fd,
                                                 std::string message) {
  if (message.size() > kMaxJobMessage) {
    co_return fail(Fault::Permanent, "job message too large");
  }
  Worker* worker = CO_TRY(worker_of(who));
  uint32_t id = next_job_++;
  if (id == kStop) id = next_job_++;
  auto waiting = std::make_shared<Worker::Waiting>();
  worker->jobs.emplace(id, waiting);
  worker->channel.send(frame(id, message), std::move(fd));
  while (!waiting->answer) co_await waiting->answered.wait();
  co_return std::move(*waiting->answer);
}

net::Task<> UserWorkers::listen(Worker* worker) {
  while (true) {
    auto got = co_await worker->channel.next();
    if (!got || got->bytes.empty()) break;
    auto id = take_id(got->bytes);
    auto job = id ? worker->jobs.find(*id) : worker->jobs.end();
    if (job == worker->jobs.end()) continue;
    job->second->answer = std::move(got->bytes);
    job->second->answered.notify_all();
    worker->jobs.erase(job);
    worker->idle_since = Clock::now();
  }
  tasks_.start(reap(worker->pid));
  remove(worker);
}

void UserWorkers::remove(Worker* worker) {
  for (auto& [id, waiting] : worker->jobs) {
    waiting->answer = fail_errno(
        fmt::format("process {} has ended", worker->pid), ECONNRESET);
    waiting->answered.notify_all();
  }
  std::erase_if(leaving_, [&](auto& w) { return w.get() == worker; });
  auto found = workers_.find(worker->who);
  if (found != workers_.end() && found->second.get() == worker) {
    workers_.erase(found);
  }
  changed_.notify_all();
}

net::Task<> UserWorkers::ended() {
  while (processes()) co_await changed_.wait();
}

net::Task<> UserWorkers::reap(pid_t pid) {
  int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd >= 0) {
    net::Descriptor process{UniqueFd(pidfd)};
    auto ended = co_await process.readable(net::Deadline::never());
    if (!ended) co_return;
  }
  int status = 0;
  if (::waitpid(pid, &status, pidfd >= 0 ? WNOHANG : 0) != pid) co_return;
  if (WIFSIGNALED(status)) {
    log::error(
        fmt::format("process {} killed with signal {}", pid, WTERMSIG(status)));
  } else if (WEXITSTATUS(status) != 0) {
    log::error(
        fmt::format("process {} returned error {}", pid, WEXITSTATUS(status)));
  }
}

net::Task<> UserWorkers::watch_idle() {
  while (true) {
    co_await net::sleep(
        std::max<Duration>(options_.idle / 4, std::chrono::milliseconds(50)));
    auto now = Clock::now();
    for (auto it = workers_.begin(); it != workers_.end();) {
      Worker& worker = *it->second;
      if (!worker.jobs.empty() || now - worker.idle_since < options_.idle) {
        ++it;
        continue;
      }
      // It leaves the table first, so that no job can be on its way to it.
      worker.channel.send(frame(kStop, ""), UniqueFd());
      leaving_.push_back(std::move(it->second));
      it = workers_.erase(it);
    }
  }
}

size_t UserWorkers::jobs() const {
  size_t count = 0;
  for (auto& [who, worker] : workers_) count += worker->jobs.size();
  for (auto& worker : leaving_) count += worker->jobs.size();
  return count;
}

size_t UserWorkers::processes() const {
  return workers_.size() + leaving_.size();
}

void UserWorkers::stop() {
  stopped_ = true;
  for (auto& [who, worker] : workers_) {
    worker->channel.send(frame(kStop, ""), UniqueFd());
    leaving_.push_back(std::move(worker));
  }
  workers_.clear();
}

// ---- the user's side

std::unique_ptr<WorkerPort> WorkerPort::inherited() {
  const char* variable = ::getenv(kVariable);
  if (!variable) return nullptr;
  std::string_view text = variable;
  auto space = text.find(' ');
  auto fd = parse_number<int>(text.substr(0, space));
  auto who = space == std::string_view::npos
                 ? std::nullopt
                 : Identity::parse(text.substr(space + 1));
  ::unsetenv(kVariable);
  if (!fd || !who || ::fcntl(*fd, F_SETFD, FD_CLOEXEC) != 0) return nullptr;
  return std::unique_ptr<WorkerPort>(
      new WorkerPort(UniqueFd(*fd), std::move(*who)));
}

net::Task<std::optional<WorkerPort::Job>> WorkerPort::next() {
  while (true) {
    auto got = co_await channel_.next();
    if (!got || got->bytes.empty()) co_return std::nullopt;
    auto id = take_id(got->bytes);
    if (!id) continue;
    if (*id == kStop) {
      stopping_ = true;
      stop_requested_.notify_all();
      co_return std::nullopt;
    }
    co_return Job{*id, std::move(got->bytes), std::move(got->fd)};
  }
}

void WorkerPort::answer(uint32_t job, std::string text) {
  if (text.size() > kMaxJobMessage) text.resize(kMaxJobMessage);
  channel_.send(frame(job, text), UniqueFd());
}

}  // namespace mail::daemon
