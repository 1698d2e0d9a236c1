#include "master/surroundings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "common/base/ascii.h"
#include "common/config/postfix/load.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "master/sockets.h"

namespace mail::master {

namespace param = config::param;

namespace {

constexpr int kStartSeconds = 100;

/// "{NAME = VALUE}" without its braces.
std::string_view unbraced(std::string_view item) {
  if (item.size() > 1 && item.front() == '{' && item.back() == '}') {
    item = trim(item.substr(1, item.size() - 2));
  }
  return item;
}

[[noreturn]] void wait_for_child(pid_t child, int fd) {
  pollfd wanted{fd, POLLIN, 0};
  int ready = poll(&wanted, 1, kStartSeconds * 1000);
  char byte;
  if (ready > 0 && read(fd, &byte, 1) == 1) _exit(0);
  if (ready == 0) {
    kill(child, SIGKILL);
    log::fatal("timeout waiting for daemon initialization");
  }
  log::fatal("daemon initialization failure -- see logs for details");
}

}  // namespace

void settle_descriptors(const Options& options) {
  umask(077);
  close_range(3, ~0u, 0);
  if (options.attached) return;
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (int fd = 0; fd < 3; ++fd) {
    if (fd == STDOUT_FILENO && options.keep_stdout) continue;
    dup2(null, fd);
  }
  close(null);
}

UniqueFd fork_and_wait() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) log::fatal("pipe for -w failed");
  UniqueFd reader = move_high(UniqueFd(ends[0]));
  UniqueFd writer = move_high(UniqueFd(ends[1]));
  pid_t child = fork();
  if (child < 0) log::fatal("fork failed");
  if (child == 0) return writer;
  writer.reset();
  wait_for_child(child, reader.get());
}

Result<> clean_environment(const config::Settings& settings) {
  std::vector<std::pair<std::string, std::string>> kept;
  auto items = split_braced(settings.get(param::import_environment));
  for (std::string_view item : items) {
    item = unbraced(item);
    if (item.find('=') != item.npos) {
      auto pair = TRY(config::parse_override(item));
      kept.push_back(std::move(pair));
      continue;
    }
    std::string name(item);
    if (const char* value = getenv(name.c_str()))
      kept.emplace_back(name, value);
  }
  clearenv();
  for (const auto& [name, value] : kept) setenv(name.c_str(), value.c_str(), 1);
  setenv("MAIL_CONFIG", settings.get(param::config_directory).c_str(), 1);
  setenv("MAIL_LOGTAG", settings.get(param::syslog_name).c_str(), 1);
  if (settings.get(param::maillog_file).empty()) {
    unsetenv("POSTLOG_SERVICE");
    unsetenv("POSTLOG_HOSTNAME");
    return {};
  }
  std::string socket =
      fmt::format("{}/public/{}", settings.get(param::queue_directory),
                  settings.get(param::postlog_service_name));
  setenv("POSTLOG_SERVICE", socket.c_str(), 1);
  setenv("POSTLOG_HOSTNAME", settings.get(param::myhostname).c_str(), 1);
  return {};
}

void open_master_log(const config::Settings& settings) {
  log::Config config;
  config.tag = settings.get(param::syslog_name);
  config.process = "master";
  config.facility = settings.get(param::syslog_facility);
  config.utf8 = settings.get(param::smtputf8_enable);
  config.file = settings.get(param::maillog_file);
  config.file_only = !config.file.empty();
  const std::string& host = settings.get(param::myhostname);
  config.hostname = host.substr(0, host.find('.'));
  log::open(std::move(config));
}

}  // namespace mail::master
