#include "master/log/sinks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/log/log.h"
#include "common/net/address.h"

namespace mail::logd {

namespace cf = config::dovecot;

namespace {

constexpr std::string_view kLabels[] = {
    "Debug: ", "Info: ", "Warning: ", "Error: ", "Fatal: ", "Panic: "};
constexpr int kPriorities[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING,
                               LOG_ERR,   LOG_CRIT, LOG_CRIT};
constexpr int kInfo = 1;

std::string formatted_time(const std::string& format) {
  time_t now = time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  char text[256];
  size_t n = strftime(text, sizeof text, format.c_str(), &local);
  return std::string(text, n);
}

UniqueFd connect_syslog() {
  net::Endpoint where;
  where.path = "/dev/log";
  sockaddr_storage address{};
  auto size = where.to_sockaddr(address);
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!size || !fd ||
      connect(fd.get(), reinterpret_cast<sockaddr*>(&address), *size) != 0) {
    return {};
  }
  return fd;
}

}  // namespace

Result<> Sinks::open(const cf::Settings& settings) {
  timestamp_ = settings.get(cf::setting::log_timestamp);
  ident_ = settings.get(cf::setting::instance_name);
  facility_ = log::facility_number(settings.get(cf::setting::syslog_facility));
  if (facility_ < 0) facility_ = LOG_MAIL;
  errors_.path = settings.get(cf::setting::log_path);
  info_.path = settings.get(cf::setting::info_log_path);
  debug_.path = settings.get(cf::setting::debug_log_path);
  tzset();
  TRY(open_target(errors_));
  TRY(open_target(info_));
  return open_target(debug_);
}

Result<> Sinks::open_target(Target& target) {
  if (target.path.empty() || target.syslog()) return {};
  if (target.path == "/dev/stderr") {
    target.fd.reset(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100));
    return {};
  }
  UniqueFd fd(::open(target.path.c_str(),
                     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) {
    return fail_errno(fmt::format("open({}) failed", target.path), errno);
  }
  target.fd = std::move(fd);
  return {};
}

void Sinks::reopen() {
  for (Target* target : {&errors_, &info_, &debug_}) {
    auto opened = open_target(*target);
    if (!opened) write(3, "log: ", opened.error().what);
  }
}

Sinks::Target& Sinks::target_of(int type) {
  if (type == 0 && !debug_.path.empty()) return debug_;
  if (type <= kInfo && !info_.path.empty()) return info_;
  return errors_;
}

void Sinks::write(int type, std::string_view prefix, std::string_view text) {
  Target& target = target_of(type);
  if (target.syslog()) {
    // Syslog's own priority says info; scripts know the lines without a word.
    std::string line =
        fmt::format("{}{}{}", prefix, type == kInfo ? "" : kLabels[type], text);
    to_syslog(type, line);
    return;
  }
  std::string line = fmt::format("{}{}{}{}\n", formatted_time(timestamp_),
                                 prefix, kLabels[type], text);
  [[maybe_unused]] auto n = ::write(target.fd.get(), line.data(), line.size());
}

void Sinks::to_syslog(int type, std::string_view text) {
  std::string line =
      fmt::format("<{}>{}{}: {}", facility_ | kPriorities[type],
                  formatted_time("%b %e %H:%M:%S "), ident_, text);
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!socket_) socket_ = connect_syslog();
    if (!socket_) return;
    if (send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) >= 0) {
      return;
    }
    socket_.reset();  // the log daemon was restarted
  }
}

}  // namespace mail::logd
