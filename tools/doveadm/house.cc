// doveadm service, process, reload, stop: what is asked of the supervisor.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/config/dovecot/setting_list.h"
#include "common/ipc/tabbed.h"
#include "tools/doveadm/ask.h"
#include "tools/doveadm/context.h"

namespace mail::doveadm {

pid_t master_pid(Context& context) {
  std::string path =
      context.settings().get(config::dovecot::setting::base_dir) +
      "/master.pid";
  auto text = read_file(path, 64);
  auto pid = text ? parse_number<int>(trim(*text)) : std::nullopt;
  if (!pid || *pid <= 1 || (kill(*pid, 0) != 0 && errno == ESRCH)) {
    context.fatal(fmt::format("Dovecot is not running (read from {})", path));
  }
  return *pid;
}

namespace {

constexpr std::string_view kGreeting = "VERSION\tmaster-client\t1\t0\n";

/// The supervisor's answer, without its greeting.
std::vector<std::string> ask_master(Context& context, std::string_view request,
                                    size_t most = SIZE_MAX) {
  auto lines = ask_socket(context, context.socket_path("master"),
                          fmt::format("{}{}\n", kGreeting, request),
                          most == SIZE_MAX ? most : most + 1);
  if (!lines.empty()) lines.erase(lines.begin());
  return lines;
}

std::vector<std::string> wanted(Context& context) {
  Options options(context, "");
  while (options.next()) {
  }
  return options.rest();
}

int status(Context& context, std::string_view request,
           const std::vector<std::string>& columns) {
  auto names = wanted(context);
  context.printer.columns(columns);
  for (const auto& line : ask_master(context, request)) {
    auto words = ipc::tab_split(line);
    if (words.size() < columns.size()) continue;
    bool shown = names.empty() ||
                 std::find(names.begin(), names.end(), words[0]) != names.end();
    if (!shown) continue;
    words.resize(columns.size());
    context.printer.row({words.begin(), words.end()});
  }
  return kOk;
}

int service_status(Context& context) {
  context.default_form(Printer::Form::Pager);
  return status(context, "SERVICE-STATUS",
                {"name", "process_count", "process_avail", "process_limit",
                 "client_limit", "throttle_secs", "exit_failure_last",
                 "exit_failures_in_sec", "last_drop_warning", "listen_pending",
                 "listening", "doveadm_stop", "process_total"});
}

int process_status(Context& context) {
  context.default_form(Printer::Form::Table);
  return status(context, "PROCESS-STATUS",
                {"name", "pid", "available_count", "total_count", "idle_start",
                 "last_status_update", "last_kill_sent"});
}

int service_stop(Context& context) {
  auto names = wanted(context);
  if (names.empty()) context.fatal("service parameter missing");
  std::string request = "STOP";
  for (const auto& name : names) request += "\t" + ipc::tab_escape(name);
  auto lines = ask_master(context, request, 1);
  if (!lines.empty() && lines[0].starts_with('+')) return kOk;
  context.error(lines.empty() ? "no answer" : lines[0].substr(1));
  return kNotFound;
}

int send(Context& context, int number) {
  pid_t pid = master_pid(context);
  if (kill(pid, number) != 0) {
    context.fatal(
        fmt::format("kill({}, {}) failed: {}", pid, number, strerror(errno)));
  }
  return kOk;
}

int reload(Context& context) { return send(context, SIGHUP); }

/// Returns when it has ended, as a script that starts it anew needs.
int stop(Context& context) {
  pid_t pid = master_pid(context);
  send(context, SIGTERM);
  struct Wait {
    static net::Task<> end_of(pid_t process) {
      Instant until = Clock::now() + std::chrono::seconds(30);
      while (kill(process, 0) == 0 && Clock::now() < until) {
        co_await net::sleep(std::chrono::milliseconds(10));
      }
    }
  };
  context.loop().run(Wait::end_of(pid));
  return kOk;
}

}  // namespace

std::vector<Command> house_commands() {
  return {{"service status", service_status},
          {"service stop", service_stop},
          {"process status", process_status},
          {"reload", reload},
          {"stop", stop}};
}

}  // namespace mail::doveadm
