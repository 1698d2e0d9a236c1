// postmulti(1): the same for each mail system of this machine.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/daemon/command.h"
#include "common/daemon/settings.h"
#include "common/log/log.h"
#include "tools/postfix/site.h"

namespace mail::postmulti {

namespace param = config::param;
using postfix_command::run_program;

namespace {

constexpr daemon::Command kCommand{.name = "postmulti",
                                   .quiet_unless_terminal = true};

struct Instance {
  std::shared_ptr<const config::Settings> settings;
  std::string directory, name, group;
  bool primary = false, enabled = false;
};

struct Request {
  char mode = 0;  // l, p, x, e
  std::string edit;
  std::optional<std::string> name, group;
  std::vector<std::string> command;
};

Instance load_instance(const std::string& directory, bool primary) {
  setenv("MAIL_CONFIG", directory.c_str(), 1);
  auto settings = daemon::try_load_settings("postmulti", "postmulti", {});
  if (!settings) daemon::fatal(settings.error().what);
  Instance out;
  out.settings = *settings;
  out.directory = directory;
  out.name = out.settings->get(param::multi_instance_name);
  out.group = out.settings->get(param::multi_instance_group);
  out.primary = primary;
  out.enabled = primary || out.settings->get(param::multi_instance_enable);
  return out;
}

std::vector<Instance> all_instances(const std::string& primary) {
  std::vector<Instance> out{load_instance(primary, true)};
  std::string others =
      out.front().settings->get(param::multi_instance_directories);
  for (auto directory : split(others)) {
    out.push_back(load_instance(std::string(directory), false));
  }
  return out;
}

bool is_wanted(const Instance& instance, const Request& request) {
  if (request.group) return instance.group == *request.group;
  if (!request.name) return true;
  if (*request.name == "-") return instance.primary;
  return *request.name == instance.directory ||
         (!instance.name.empty() && *request.name == instance.name);
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

void list(const std::vector<Instance>& instances) {
  std::string out;
  for (const auto& one : instances) {
    out +=
        fmt::format("{:<15} {:<15} {:<9} {}\n", or_dash(one.name),
                    or_dash(one.group), one.enabled ? "y" : "n", one.directory);
  }
  [[maybe_unused]] auto n = write(STDOUT_FILENO, out.data(), out.size());
}

void export_environment(const Instance& instance) {
  const auto& settings = *instance.settings;
  auto put = [](const char* name, const std::string& value) {
    setenv(name, value.c_str(), 1);
  };
  put("MAIL_CONFIG", instance.directory);
  put("config_directory", instance.directory);
  put("command_directory", settings.get(param::command_directory));
  put("daemon_directory", settings.get(param::daemon_directory));
  put("data_directory", settings.get(param::data_directory));
  put("queue_directory", settings.get(param::queue_directory));
  put("multi_instance_name", instance.name);
  put("multi_instance_group", instance.group);
}

/// Commands that start something do only checks in a disabled instance.
std::vector<std::string> command_for(const Instance& instance,
                                     const Request& request) {
  if (request.mode == 'x') return request.command;
  std::vector<std::string> out{
      instance.settings->get(param::command_directory) + "/postfix"};
  out.insert(out.end(), request.command.begin(), request.command.end());
  bool starts = !request.command.empty() && request.command[0] == "start";
  if (starts && !instance.enabled) out[1] = "check";
  return out;
}

std::vector<std::string> through_path(std::vector<std::string> command) {
  if (command[0].find('/') == std::string::npos) {
    command.insert(command.begin(), "/usr/bin/env");
  }
  return command;
}

int run_all(const std::vector<Instance>& instances, const Request& request) {
  int worst = 0;
  for (const auto& one : instances) {
    export_environment(one);
    auto status = run_program(through_path(command_for(one, request)));
    if (!status) daemon::error(status.error().what);
    if (!status || *status != 0) worst = 1;
  }
  return worst;
}

void set_mode(Request& request, char mode) {
  if (request.mode != 0) {
    daemon::fatal("Specify exactly one of '-e', '-l', '-p', '-x'");
  }
  request.mode = mode;
}

Request parse(int argc, char** argv) {
  Request out;
  opterr = 0;
  int letter;
  while ((letter = getopt(argc, argv, "+ae:g:i:G:I:lpRvx")) > 0) {
    switch (letter) {
      case 'a':
      case 'v':
        break;
      case 'e':
        set_mode(out, 'e');
        out.edit = optarg;
        break;
      case 'g':
        out.group = optarg;
        break;
      case 'i':
        out.name = optarg;
        break;
      case 'l':
      case 'p':
      case 'x':
        set_mode(out, static_cast<char>(letter));
        break;
      default:
        daemon::fatal(
            "usage: postmulti -l | -p postfix_command | -x command [-a | -g "
            "group | -i name]");
    }
  }
  if (out.mode == 0) {
    daemon::fatal("Specify exactly one of '-e', '-l', '-p', '-x'");
  }
  out.command.assign(argv + optind, argv + argc);
  return out;
}

}  // namespace

int run(int argc, char** argv) {
  daemon::begin_command(kCommand);
  std::string primary = daemon::config_directory();
  daemon::load_settings(kCommand);
  log::Config config = log::config();
  config.ident = "postmulti";
  log::open(std::move(config));
  Request request = parse(argc, argv);
  if (request.mode == 'e') {
    daemon::fatal(fmt::format("'-e {}' is not in this version", request.edit));
  }
  bool runs = request.mode != 'l';
  if (runs && request.command.empty()) {
    daemon::fatal("Command required with '-p' or '-x' option");
  }
  if (geteuid() == 0 && primary != "/etc/postfix") {
    daemon::fatal(fmt::format(
        "Non-default configuration directory: MAIL_CONFIG={}", primary));
  }
  auto instances = all_instances(primary);
  std::erase_if(instances, [&](auto& one) { return !is_wanted(one, request); });
  if (instances.empty()) daemon::fatal("No matching instances");
  if (!runs) {
    list(instances);
    return 0;
  }
  return run_all(instances, request);
}

}  // namespace mail::postmulti

int main(int argc, char** argv) { return mail::postmulti::run(argc, argv); }
