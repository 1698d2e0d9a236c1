#include "dkim-milter/filter_log.h"

#include <fmt/format.h>
#include <syslog.h>
#include <unistd.h>

#include <atomic>

#include "common/base/file.h"
#include "common/base/utf8.h"
#include "common/log/log.h"

namespace mail::dkim_milter {

namespace {

std::atomic<bool> is_open = false;
bool stderr_usable = true;
std::string ident;  // syslog(3) keeps the pointer

int syslog_priority(Priority priority) {
  switch (priority) {
    case Priority::Error:
      return LOG_ERR;
    case Priority::Warning:
      return LOG_WARNING;
    case Priority::Notice:
      return LOG_NOTICE;
    case Priority::Info:
      return LOG_INFO;
    case Priority::Debug:
      return LOG_DEBUG;
  }
  return LOG_INFO;
}

}  // namespace

void open_log(const std::string& name, const std::string& facility) {
  if (is_open) ::closelog();
  ident = name;
  int number = log::facility_number(facility == "security" ? "auth" : facility);
  // Connected at once: /dev/log may be out of reach after chroot.
  ::openlog(ident.c_str(), LOG_PID | LOG_NDELAY,
            number < 0 ? LOG_MAIL : number);
  is_open = true;
}

void close_log() {
  if (is_open) ::closelog();
  is_open = false;
}

bool log_is_open() { return is_open; }

void log_line(Priority priority, std::string_view text) {
  if (!is_open) return;
  ::syslog(syslog_priority(priority), "%s", printable(text).c_str());
}

void set_stderr(bool usable) { stderr_usable = usable; }

void complain(std::string_view text) {
  log_line(Priority::Error, text);
  if (!stderr_usable) return;
  (void)write_all(STDERR_FILENO, fmt::format("opendkim: {}\n", text));
}

}  // namespace mail::dkim_milter
