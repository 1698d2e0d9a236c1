#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "tools/postfix/actions.h"

namespace mail::postfix_command {

namespace param = config::param;

namespace {

int failed(const std::string& file, std::string_view why) {
  return complain(fmt::format("logfile '{}' rotation failed: {}", file, why));
}

std::string dated(const std::string& format) {
  time_t now = time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  char text[128];
  size_t n = strftime(text, sizeof(text), format.c_str(), &local);
  return std::string(text, n);
}

/// A command by its path, or below the directories that postfix(1) searches.
std::string find_command(const std::string& name) {
  if (name.starts_with('/')) return name;
  for (const char* place : {"/bin", "/usr/bin", "/sbin", "/usr/sbin"}) {
    std::string path = fmt::format("{}/{}", place, name);
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return name;
}

}  // namespace

int rotate_log(const Site& site, size_t extra_arguments) {
  if (extra_arguments > 0) {
    return complain("usage postfix logrotate (no arguments)");
  }
  const auto& settings = *site.settings;
  const std::string& file = settings.get(param::maillog_file);
  if (file.empty()) return failed(file, "empty 'maillog_file' parameter value");
  if (file.starts_with("/dev/")) {
    return complain(fmt::format("not rotating '{}'", file));
  }
  std::string suffix = dated(settings.get(param::maillog_file_rotate_suffix));
  std::string target = fmt::format("{}.{}", file, suffix);
  if (access(target.c_str(), F_OK) == 0) return failed(file, "file exists");
  if (rename(file.c_str(), target.c_str()) != 0) {
    return failed(file, strerror(errno));
  }
  auto pid = master_pid(site);
  if (pid && *pid != 0) kill(*pid, SIGHUP);
  // The daemons of before still write a last line or two.
  sleep(1);
  auto done = run_program(
      {find_command(settings.get(param::maillog_file_compressor)), target});
  if (!done) return failed(file, done.error().what);
  return *done == 0 ? 0 : failed(file, "compressor failed");
}

}  // namespace mail::postfix_command
