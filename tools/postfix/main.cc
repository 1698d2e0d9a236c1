// postfix(1): starts, stops and checks the mail system.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/daemon/command.h"
#include "common/log/log.h"
#include "tools/postfix/actions.h"

namespace mail::postfix_command {

namespace param = config::param;

namespace {

constexpr daemon::Command kCommand{.name = "postfix",
                                   .quiet_unless_terminal = true};

/// An ordinary user may run a mail system of his own, from configuration
/// that is his.
bool owns_configuration() {
  struct stat status;
  return stat(daemon::config_directory().c_str(), &status) == 0 &&
         status.st_uid == geteuid();
}

void check_user() {
  if (geteuid() == 0 || owns_configuration()) return;
  daemon::error("to submit mail, use the Postfix sendmail command");
  daemon::fatal("the postfix command is reserved for the superuser");
}

/// All instances, one after the other, by postmulti(1).
void become_wrapper(const config::Settings& settings, char** words) {
  const std::string& wrapper = settings.get(param::multi_instance_wrapper);
  if (!settings.get(param::multi_instance_enable) || wrapper.empty()) return;
  std::vector<std::string> arguments;
  for (auto word : split(wrapper)) arguments.emplace_back(word);
  for (; *words; ++words) arguments.emplace_back(*words);
  daemon::fatal(become_program(arguments).what);
}

void speak_as_script() {
  log::Config config = log::config();
  config.process = "postfix-script";
  config.stderr_name = fmt::format("{}/postfix-script", config.tag);
  log::open(std::move(config));
}

[[noreturn]] void usage() {
  daemon::fatal("usage: postfix [-c config_dir] [-Dv] command");
}

}  // namespace

int run(int argc, char** argv) {
  daemon::begin_command(kCommand);
  Site site;
  bool own_place = getenv("MAIL_CONFIG") != nullptr;
  opterr = 0;
  int letter;
  while ((letter = getopt(argc, argv, "+c:Dv")) > 0) {
    switch (letter) {
      case 'c':
        if (*optarg != '/') {
          daemon::fatal("-c requires absolute pathname");
        }
        own_place = true;
        daemon::use_config_directory(optarg);
        break;
      case 'D':
        setenv("MAIL_DEBUG", "", 1);
        break;
      case 'v':
        ++site.verbose;
        setenv("MAIL_VERBOSE", "", 1);
        break;
      default:
        usage();
    }
  }
  if (optind >= argc) usage();
  check_user();
  site.settings = daemon::load_settings(kCommand);
  site.rootless = geteuid() != 0;
  if (!own_place) become_wrapper(*site.settings, argv + optind);
  setenv("PATH", "/bin:/usr/bin:/sbin:/usr/sbin", 1);
  setenv("MAIL_CONFIG", site.config_directory().c_str(), 1);
  speak_as_script();
  return act(site, argv[optind], static_cast<size_t>(argc - optind - 1));
}

}  // namespace mail::postfix_command

int main(int argc, char** argv) {
  return mail::postfix_command::run(argc, argv);
}
