#include "common/daemon/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "common/base/ascii.h"
#include "common/base/check.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/config/postfix/accounts.h"
#include "common/config/postfix/params.h"
#include "common/daemon/settings.h"
#include "common/log/log.h"

namespace mail::daemon {

namespace param = config::param;

namespace {

constexpr char kDefaultDirectory[] = "/etc/postfix";
constexpr size_t kHeap = 256 << 10;  // what all parameters take

void open_standard_descriptors() {
  for (int fd = 0; fd < 3; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) {
      [[maybe_unused]] int opened = open("/dev/null", O_RDWR);
    }
  }
}

/// A set-gid program believes nothing of its caller's environment but what
/// import_environment's default names.
void clean_environment() {
  static constexpr std::string_view kKept[] = {
      "MAIL_CONFIG", "MAIL_DEBUG", "MAIL_LOGTAG",     "TZ",
      "XAUTHORITY",  "DISPLAY",    "POSTLOG_SERVICE", "POSTLOG_HOSTNAME"};
  std::vector<std::pair<std::string, std::string>> kept;
  for (std::string_view name : kKept) {
    std::string text(name);
    if (const char* value = getenv(text.c_str()))
      kept.emplace_back(text, value);
  }
  clearenv();
  for (const auto& [name, value] : kept) setenv(name.c_str(), value.c_str(), 1);
  setenv("LANG", "C", 1);
}

/// Set-user-ID or set-group-ID, for somebody who is not root.
bool has_others_rights() {
  return getuid() != 0 && (geteuid() != getuid() || getegid() != getgid());
}

/// For good: what the caller may not do, we may not do either.
void give_up_rights() {
  CHECK(setresgid(getgid(), getgid(), getgid()) == 0);
  CHECK(setresuid(getuid(), getuid(), getuid()) == 0);
}

/// Nobody's main.cf but the administrator's is read with the rights of the
/// mail system (postconf(5), alternate_config_directories). Who has a mail
/// system of his own is served with his own rights.
void check_directory(const Command& command) {
  std::string wanted = config_directory();
  if (wanted == kDefaultDirectory) return;
  std::string name(command.name);
  struct stat info{};
  if (stat(wanted.c_str(), &info) == 0 && info.st_uid == getuid()) {
    return give_up_rights();
  }
  use_config_directory(kDefaultDirectory);
  auto settings = try_load_settings(name, name, {});
  if (!settings) log::fatal(settings.error().what);
  if (auto good = config::check_config_directory(**settings, wanted); !good) {
    auto lines = split(good.error().what, "\n");
    log::error(lines.front());
    log::fatal(lines.back());
  }
  use_config_directory(wanted);
}

bool wants_stderr(const Command& command) {
  return !command.quiet_unless_terminal || isatty(STDERR_FILENO);
}

}  // namespace

void begin_command(const Command& command) {
  prepare_command(kHeap);
  open_standard_descriptors();
  signal(SIGPIPE, SIG_IGN);
  log::set_fatal_status(command.fatal_status);
  if (command.privileged) clean_environment();
  log::Config config;
  const char* tag = getenv("MAIL_LOGTAG");
  config.tag = tag && *tag ? tag : "postfix";
  config.process = command.name;
  config.to_stderr = wants_stderr(command);
  const char* socket = getenv("POSTLOG_SERVICE");
  if (socket) config.postlog_socket = socket;
  const char* host = getenv("POSTLOG_HOSTNAME");
  config.hostname = host ? host : "amnesiac";
  log::open(std::move(config));
}

void use_config_directory(const std::string& directory) {
  setenv("MAIL_CONFIG", directory.c_str(), 1);
}

std::shared_ptr<const config::Settings> load_settings(
    const Command& command, const std::vector<std::string>& overrides) {
  if (command.privileged && has_others_rights()) check_directory(command);
  std::string name(command.name);
  auto settings =
      load_daemon_settings(name, name, overrides, wants_stderr(command));
  // Commands run anywhere: the relative socket name is the daemons'.
  log::Config config = log::config();
  if (!config.postlog_socket.empty()) {
    config.postlog_socket =
        settings->get(param::queue_directory) + "/" + config.postlog_socket;
    log::open(std::move(config));
  }
  return settings;
}

void info(std::string_view text) { log::info(text); }
void warning(std::string_view text) { log::warning(text); }
void error(std::string_view text) { log::error(text); }

void fatal(std::string_view text) { log::fatal(text); }

}  // namespace mail::daemon
