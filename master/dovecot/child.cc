#include "master/dovecot/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "common/config/dovecot/version.h"
#include "common/daemon/dovecot_environment.h"

namespace mail::dovecot {

namespace {

constexpr int kExecFailed = 84, kFirstListener = 7;

/// The restrictions that the child puts on itself.
void add_restrictions(const Spec& spec, std::vector<std::string>& out) {
  if (!spec.chroot.empty()) out.push_back("RESTRICT_CHROOT=" + spec.chroot);
  if (spec.ids && !(spec.ids->uid == 0 && spec.ids->gid == 0)) {
    if (spec.ids->uid != 0) {
      out.push_back(fmt::format("RESTRICT_SETUID={}", spec.ids->uid));
    }
    out.push_back(fmt::format("RESTRICT_SETGID={}", spec.ids->gid));
  }
  if (spec.privileged_group) {
    out.push_back(
        fmt::format("RESTRICT_SETGID_PRIV={}", *spec.privileged_group));
  }
  if (!spec.groups.empty()) {
    std::string list;
    for (gid_t id : spec.groups) {
      list += fmt::format("{}{}", list.empty() ? "" : ",", id);
    }
    out.push_back("RESTRICT_SETEXTRAGROUPS=" + list);
  }
}

std::vector<std::string> environment_of(const Spec& spec, size_t first,
                                        unsigned generation,
                                        const Surroundings& around) {
  std::vector<std::string> out = around.environment;
  auto add = [&](std::string_view name, auto value) {
    out.push_back(fmt::format("{}={}", name, value));
  };
  add("DOVECOT_CHILD_PROCESS", 1);
  add(daemon::kOurMaster, 1);
  if (spec.type == "log") {
    add("DOVECONF_ENV", 1);
    for (const auto& one : around.log_settings) out.push_back(one);
  } else {
    add("CONFIG_FILE", spec.type == "config" ? around.config_file
                                             : around.base_dir + "/config");
    add("LOG_SERVICE", 1);
  }
  add("SERVICE_NAME", spec.name);
  add("CLIENT_LIMIT", spec.client_limit);
  add("PROCESS_LIMIT", spec.process_limit);
  add("PROCESS_MIN_AVAIL", spec.process_min_avail);
  add("IDLE_KILL", spec.idle_kill.count());
  if (spec.service_count > 0) add("SERVICE_COUNT", spec.service_count);
  add("GENERATION", generation);
  add("DOVECOT_HOSTNAME", around.hostname);
  add("DOVECOT_HOSTDOMAIN", around.hostname);
  add("DOVECOT_VERSION", config::dovecot::kVersion);
  // Inside a jail the socket's name is relative to it.
  add("STATS_WRITER_SOCKET_PATH",
      spec.chroot.empty() ? around.base_dir + "/" + around.stats_socket
                          : around.stats_socket);
  add("LOG_DEBUG", "");
  size_t number = first;
  for (const auto& listener : spec.listeners) {
    add(fmt::format("SOCKET{}_SETTINGS", number++),
        fmt::format("{}{}{}", listener->name, listener->ssl ? "\tssl" : "",
                    listener->haproxy ? "\thaproxy" : ""));
  }
  add("SOCKET_COUNT", number);
  if (!spec.drop_before_exec) add_restrictions(spec, out);
  return out;
}

/// In the child. Descriptors of ours are all close-on-exec.
void place(int from, int to) {
  if (from < 0) {
    close(to);
  } else {
    dup2(from, to);
  }
}

/// Above all targets, so that none is overwritten before its turn.
int raised(int fd) { return fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 300); }

/// Our handlers must not run in a child that shares our memory.
void forget_handlers() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction now{};
    if (sigaction(signal, nullptr, &now) != 0 || now.sa_handler == SIG_IGN ||
        now.sa_handler == SIG_DFL) {
      continue;
    }
    now.sa_handler = SIG_DFL;
    sigaction(signal, &now, nullptr);
  }
}

/// In the child of a vfork(2): system calls alone, and `fds` is its own.
[[noreturn]] void become(const Spec& spec, ChildFds& fds, int null_fd,
                         char* const* argv, char* const* envp) {
  forget_handlers();
  null_fd = raised(null_fd);
  for (int* fd : {&fds.log, &fds.anvil, &fds.notice, &fds.status, &fds.dead}) {
    *fd = raised(*fd);
  }
  for (int& fd : fds.sockets) fd = raised(fd);
  place(null_fd, 0);
  place(null_fd, 1);
  if (fds.log >= 0) place(fds.log, 2);
  place(fds.anvil, 3);
  place(fds.notice, 4);
  place(fds.status, 5);
  place(fds.dead, 6);
  int to = kFirstListener;
  for (int fd : fds.sockets) place(fd, to++);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (spec.vsz_limit > 0) {
    // What a process owns counts, not what it maps of files (RLIMIT_AS): an
    // index may be a large mapping of which little is ever touched.
    // Soft: a process of many clients lifts it for itself.
    rlimit limit{};
    getrlimit(RLIMIT_DATA, &limit);
    limit.rlim_cur = std::min<rlim_t>(spec.vsz_limit, limit.rlim_max);
    setrlimit(RLIMIT_DATA, &limit);
  }
  if (spec.drop_before_exec && spec.ids) {
    if (setgroups(spec.groups.size(), spec.groups.data()) != 0 ||
        setgid(spec.ids->gid) != 0 || setuid(spec.ids->uid) != 0) {
      _exit(kExecFailed);
    }
  }
  execve(spec.command[0].c_str(), argv, envp);
  _exit(kExecFailed);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<pid_t> start_child(const Spec& spec, const ChildFds& fds, size_t first,
                          unsigned generation, const Surroundings& around) {
  auto environment = environment_of(spec, first, generation, around);
  std::vector<std::string> words = spec.command;
  words[0] = "dovecot/" + words[0].substr(words[0].rfind('/') + 1);
  auto argv = pointers(words);
  auto envp = pointers(environment);
  UniqueFd null_fd(open("/dev/null", O_RDWR | O_CLOEXEC));
  ChildFds own = fds;
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  // A copy of our memory would be thrown away at once, a page fault each.
  pid_t pid = vfork();
  if (pid == 0) become(spec, own, null_fd.get(), argv.data(), envp.data());
  int error = errno;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return fail_errno("fork() failed", error);
  return pid;
}

}  // namespace mail::dovecot
