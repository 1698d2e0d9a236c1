#include "common/log/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/base/check.h"
#include "common/base/stamp.h"
#include "common/base/unique_fd.h"
#include "common/base/utf8.h"

namespace mail::log {

namespace {

constexpr size_t kLineLimit = 2000;
constexpr char kSyslogPath[] = "/dev/log";

struct State {
  Config config;
  Sink sink = nullptr;
  std::string ident;  // "postfix/smtpd[123]"
  int facility = LOG_MAIL;
  pid_t pid = 0;
  UniqueFd socket;
  time_t second = 0;
  std::string stamp;
  unsigned fatal_delay = 1000;
  int fatal_status = 1;
};

State& state() {
  static State the_state;
  return the_state;
}

struct LevelFacts {
  std::string_view prefix;
  int priority;
};

LevelFacts facts(Level level) {
  switch (level) {
    case Level::Info:
      return {"", LOG_INFO};
    case Level::Warning:
      return {"warning: ", LOG_WARNING};
    case Level::Error:
      return {"error: ", LOG_ERR};
    case Level::Fatal:
      return {"fatal: ", LOG_CRIT};
    case Level::Panic:
      return {"panic: ", LOG_CRIT};
    case Level::Debug:
      return {"", LOG_DEBUG};
  }
  return {"", LOG_INFO};
}

void connect_socket(State& s) {
  const std::string path =
      s.config.postlog_socket.empty() ? kSyslogPath : s.config.postlog_socket;
  sockaddr_un address{};
  if (path.size() >= sizeof(address.sun_path)) return;
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return;
  // Above the descriptors that master(8) prescribes for its children.
  int high = fcntl(fd.get(), F_DUPFD_CLOEXEC, 100);
  if (high >= 0) fd.reset(high);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
              sizeof(address)) == 0) {
    s.socket = std::move(fd);
  }
}

bool send_datagram(State& s, const iovec* pieces, size_t count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = count;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!s.socket) connect_socket(s);
    if (!s.socket) return false;
    if (sendmsg(s.socket.get(), &message, MSG_NOSIGNAL) >= 0) return true;
    if (errno == EINTR) continue;
    s.socket.reset();  // the log daemon was restarted
  }
  return false;
}

iovec piece(std::string_view text) {
  return {const_cast<char*>(text.data()), text.size()};
}

void refresh_time(State& s) {
  time_t now = time(nullptr);
  if (now == s.second) return;
  s.second = now;
  s.stamp = timestamp(now);
}

void append_to_file(State& s, std::string_view text) {
  UniqueFd fd(::open(s.config.file.c_str(),
                     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return;
  iovec pieces[] = {piece(s.stamp), piece(" "),     piece(s.config.hostname),
                    piece(" "),     piece(s.ident), piece(text),
                    piece("\n")};
  [[maybe_unused]] auto n = writev(fd.get(), pieces, std::size(pieces));
}

void to_log(State& s, const LevelFacts& level, std::string_view text) {
  std::string body = fmt::format(": {}{}", level.prefix, text);
  if (s.config.file_only && !s.config.file.empty()) {
    refresh_time(s);
    append_to_file(s, body);
    return;
  }
  if (!s.config.postlog_socket.empty()) {
    refresh_time(s);
    iovec pieces[] = {piece(s.stamp), piece(" "),     piece(s.config.hostname),
                      piece(" "),     piece(s.ident), piece(body)};
    if (!send_datagram(s, pieces, std::size(pieces)) &&
        !s.config.file.empty()) {
      append_to_file(s, body);
    }
    return;
  }
  time_t now = time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  std::string head =
      fmt::format("<{}>{} ", s.facility | level.priority, stamp(local));
  iovec pieces[] = {piece(head), piece(s.ident), piece(body)};
  send_datagram(s, pieces, std::size(pieces));
}

void rename_after_fork(State& s) {
  if (s.pid == getpid()) return;
  s.pid = getpid();
  s.ident = s.config.ident.empty()
                ? fmt::format("{}/{}", s.config.tag, s.config.process)
                : s.config.ident;
  if (s.config.with_pid) s.ident += fmt::format("[{}]", s.pid);
}

}  // namespace

int facility_number(std::string_view name) {
  static constexpr std::pair<std::string_view, int> kFacilities[] = {
      {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV},
      {"cron", LOG_CRON},     {"daemon", LOG_DAEMON},
      {"ftp", LOG_FTP},       {"kern", LOG_KERN},
      {"lpr", LOG_LPR},       {"mail", LOG_MAIL},
      {"news", LOG_NEWS},     {"security", LOG_AUTH},
      {"syslog", LOG_SYSLOG}, {"user", LOG_USER},
      {"uucp", LOG_UUCP},     {"local0", LOG_LOCAL0},
      {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
      {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
      {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
      {"local7", LOG_LOCAL7}};
  for (auto [known, number] : kFacilities) {
    if (known == name) return number;
  }
  return -1;
}

std::string timestamp(long seconds) {
  time_t at = seconds;
  tm local{};
  localtime_r(&at, &local);
  return stamp(local, '0');
}

void open(Config config) {
  State& s = state();
  s.config = std::move(config);
  s.facility = facility_number(s.config.facility);
  if (s.facility < 0) s.facility = LOG_MAIL;
  s.pid = 0;
  s.second = 0;
  rename_after_fork(s);
  s.socket.reset();
  tzset();  // the zone file cannot be read from inside a jail
  if (!s.config.file_only) connect_socket(s);
  set_check_handler([](std::string_view text) { line(Level::Panic, text); });
}

const Config& config() { return state().config; }

void set_sink(Sink sink) {
  state().sink = sink;
  set_check_handler([](std::string_view text) { line(Level::Panic, text); });
}

void line(Level level, std::string_view text) {
  State& s = state();
  if (s.sink) return s.sink(level, text);
  rename_after_fork(s);
  std::string clean = printable(text.substr(0, kLineLimit), s.config.utf8);
  LevelFacts level_facts = facts(level);
  if (s.config.to_stderr) {
    const std::string& name =
        s.config.stderr_name.empty() ? s.config.process : s.config.stderr_name;
    std::string out =
        fmt::format("{}: {}{}\n", name, level_facts.prefix, clean);
    [[maybe_unused]] auto n = write(STDERR_FILENO, out.data(), out.size());
  }
  to_log(s, level_facts, clean);
}

void set_fatal_delay(unsigned milliseconds) {
  state().fatal_delay = milliseconds;
}

namespace {
void pause_before_death() {
  unsigned ms = state().fatal_delay;
  timespec span{ms / 1000, static_cast<long>(ms % 1000) * 1000000};
  nanosleep(&span, nullptr);
}
}  // namespace

void set_fatal_status(int status) { state().fatal_status = status; }

void fatal(std::string_view text) {
  fatal_with_status(text, state().fatal_status);
}

void fatal_with_status(std::string_view text, int status) {
  line(Level::Fatal, text);
  pause_before_death();
  _exit(status);
}

void panic(std::string_view text) {
  line(Level::Panic, text);
  pause_before_death();
  abort();
}

}  // namespace mail::log
