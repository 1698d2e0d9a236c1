#include "master/log_lines.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstring>

#include "common/log/log.h"

namespace mail::master::log_lines {

namespace {
/// What scripts read as Postfix's version.
constexpr std::string_view kVersion = "3.7.11";
}  // namespace

void started(std::string_view config_directory) {
  log::info(fmt::format("daemon started -- version {}, configuration {}",
                        kVersion, config_directory));
}

void reloaded(std::string_view config_directory) {
  log::info(fmt::format("reload -- version {}, configuration {}", kVersion,
                        config_directory));
}

void terminating(int signal_number) {
  log::info(fmt::format("terminating on signal {}", signal_number));
}

void child_failed(std::string_view program, pid_t pid, int wait_status) {
  if (WIFEXITED(wait_status)) {
    log::warning(fmt::format("process {} pid {} exit status {}", program, pid,
                             WEXITSTATUS(wait_status)));
  } else {
    log::warning(fmt::format("process {} pid {} killed by signal {}", program,
                             pid, WTERMSIG(wait_status)));
  }
}

void bad_startup(std::string_view program) {
  log::warning(fmt::format("{}: bad command startup -- throttling", program));
}

void fork_failed(int error) {
  log::warning(
      fmt::format("master_spawn: fork: {} -- throttling", strerror(error)));
}

void limit_reached(std::string_view service, std::string_view place,
                   long limit) {
  log::warning(fmt::format(
      "service \"{}\" ({}) has reached its process limit \"{}\": new clients "
      "may experience noticeable delays",
      service, place, limit));
  log::warning(
      "to avoid this condition, increase the process count in master.cf or "
      "reduce the service time per client");
  log::warning(
      "see http://www.postfix.org/STRESS_README.html for examples of "
      "stress-adapting configuration settings");
}

void change_ignored(std::string_view name, std::string_view before,
                    std::string_view now) {
  log::warning(fmt::format("ignoring {} parameter value change", name));
  log::warning(
      fmt::format("old value: \"{}\", new value: \"{}\"", before, now));
  log::warning(fmt::format("to change {}, stop and start Postfix", name));
}

void not_built(std::string_view file, int line, std::string_view name) {
  log::warning(
      fmt::format("{}, line {}: {} is set, but this version does not have it",
                  file, line, name));
}

}  // namespace mail::master::log_lines
