#include "common/daemon/settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "common/base/file.h"
#include "common/config/postfix/load.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "common/process/host_facts.h"

namespace mail::daemon {

namespace param = config::param;

namespace {

std::string environment(const char* name, std::string_view otherwise) {
  const char* value = getenv(name);
  return value && *value ? std::string(value) : std::string(otherwise);
}

}  // namespace

void open_first_log(std::string_view process) {
  log::Config config;
  config.tag = environment("MAIL_LOGTAG", "postfix");
  config.process = process;
  config.postlog_socket = environment("POSTLOG_SERVICE", "");
  config.hostname = environment("POSTLOG_HOSTNAME", "amnesiac");
  log::open(std::move(config));
}

std::string config_directory() {
  return environment("MAIL_CONFIG", "/etc/postfix");
}

Result<std::shared_ptr<const config::Settings>> try_load_settings(
    const std::string& process, const std::string& service,
    const std::vector<std::string>& overrides) {
  config::LoadArgs args;
  args.config_directory = config_directory();
  args.process_name = process;
  args.service_name = service;
  args.process_id = getpid();
  args.host = process::host_facts();
  args.read = [](const std::string& path) { return read_file(path); };
  args.warn = [](std::string_view text) { log::warning(text); };
  args.check_accounts = geteuid() == 0;
  for (const auto& text : overrides) {
    auto parsed = config::parse_override(text);
    if (!parsed) {
      return fail(Fault::Config,
                  fmt::format("invalid \"-o {}\" option value: {}", text,
                              parsed.error().what));
    }
    args.overrides.push_back(std::move(*parsed));
  }
  return config::load(args);
}

std::shared_ptr<const config::Settings> load_daemon_settings(
    const std::string& process, const std::string& service,
    const std::vector<std::string>& overrides, bool to_stderr) {
  auto settings = try_load_settings(process, service, overrides);
  if (!settings) log::fatal(settings.error().what);
  open_log(**settings, process, to_stderr);
  return *settings;
}

void open_log(const config::Settings& settings, std::string_view process,
              bool to_stderr) {
  log::Config config;
  config.tag = settings.get(param::syslog_name);
  config.process = process;
  config.facility = settings.get(param::syslog_facility);
  config.utf8 = settings.get(param::smtputf8_enable);
  config.to_stderr = to_stderr;
  std::string host = settings.get(param::myhostname);
  config.hostname = host.substr(0, host.find('.'));
  const std::string& file = settings.get(param::maillog_file);
  if (!file.empty()) {
    config.file = file;
    // Relative: daemons log from inside the queue directory, chrooted or not.
    config.postlog_socket =
        "public/" + settings.get(param::postlog_service_name);
  }
  log::open(std::move(config));
}

}  // namespace mail::daemon
