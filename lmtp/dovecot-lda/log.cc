#include "lmtp/dovecot-lda/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <syslog.h>
#include <unistd.h>

#include <ctime>
#include <string>

#include "common/base/file.h"
#include "common/base/utf8.h"
#include "common/log/dovecot.h"

namespace mail::lda {
namespace {

namespace setting = config::dovecot::setting;

struct Sink {
  bool open = false;
  std::string ident, file, info_file, timestamp;  // no file: syslog
};
Sink& sink() {
  static Sink one;
  return one;
}

int priority(log::Level level) {
  switch (level) {
    case log::Level::Debug:
      return LOG_DEBUG;
    case log::Level::Info:
      return LOG_INFO;
    case log::Level::Warning:
      return LOG_WARNING;
    case log::Level::Error:
      return LOG_ERR;
    default:
      return LOG_CRIT;
  }
}

void append(const std::string& path, std::string_view line) {
  auto fd = path == "/dev/stderr"
                ? Result<UniqueFd>(UniqueFd(::dup(STDERR_FILENO)))
                : open_file(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (fd) (void)write_all(fd->get(), line);
}

}  // namespace

void open_log(const config::dovecot::Settings& s) {
  Sink& to = sink();
  to.open = true;
  to.ident = s.get(setting::instance_name);
  const auto& path = s.get(setting::log_path);
  const auto& info = s.get(setting::info_log_path);
  to.file = path == "syslog" ? "" : path;
  to.info_file = info.empty() ? to.file : info == "syslog" ? "" : info;
  to.timestamp = s.get(setting::log_timestamp);
  int facility = log::facility_number(s.get(setting::syslog_facility));
  ::openlog(to.ident.c_str(), LOG_NDELAY, facility < 0 ? LOG_MAIL : facility);
}

void tell(std::string_view text) {
  std::string line(text);
  line += '\n';
  (void)write_all(STDERR_FILENO, line);
}

void log_line(std::string_view prefix, log::Level level,
              std::string_view text) {
  auto shown = printable(text);
  const Sink& to = sink();
  if (!to.open) {
    return tell(
        fmt::format("{}{}{}", prefix, log::dovecot_level(level), shown));
  }
  bool informs = level == log::Level::Info || level == log::Level::Debug;
  const auto& file = informs ? to.info_file : to.file;
  if (file.empty()) {
    // Syslog's own priority says that a line is only informative.
    auto word = level == log::Level::Info ? std::string_view()
                                          : log::dovecot_level(level);
    auto line = fmt::format("{}{}{}", prefix, word, shown);
    ::syslog(priority(level), "%s", line.c_str());
    return;
  }
  char stamp[64] = "";
  time_t now = ::time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  // The administrator's format, as syslog daemons take it too.
  if (strftime(stamp, sizeof(stamp), to.timestamp.c_str(), &local) == 0) {
    stamp[0] = '\0';
  }
  append(file, fmt::format("{}{}{}{}\n", static_cast<const char*>(stamp),
                           prefix, log::dovecot_level(level), shown));
}

}  // namespace mail::lda
