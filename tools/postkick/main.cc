// postkick(1): wakes a service by its class and name.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/config/postfix/params.h"
#include "common/daemon/command.h"
#include "common/ipc/trigger.h"
#include "common/net/loop.h"

namespace mail::postkick {

namespace param = config::param;

namespace {

constexpr daemon::Command kCommand{.name = "postkick"};

[[noreturn]] void unreachable(const std::string& place,
                              const std::string& service, int error) {
  daemon::warning(
      fmt::format("unable to look up {}: {}", place, strerror(error)));
  std::string_view kind = std::string_view(place).substr(0, place.find('/'));
  daemon::warning(fmt::format(
      "Cannot contact class {} service {} - perhaps the mail system is down",
      kind, service));
  _exit(1);
}

}  // namespace

int run(int argc, char** argv) {
  daemon::begin_command(kCommand);
  opterr = 0;
  int letter;
  while ((letter = getopt(argc, argv, "c:v")) > 0) {
    if (letter == 'c') daemon::use_config_directory(optarg);
    if (letter == '?') {
      daemon::fatal(
          "usage: postkick [-c config_dir] [-v] class service request");
    }
  }
  if (argc - optind != 3) {
    daemon::fatal("usage: postkick [-c config_dir] [-v] class service request");
  }
  std::string kind = argv[optind], service = argv[optind + 1];
  std::string request = argv[optind + 2];
  auto settings = daemon::load_settings(kCommand);
  const std::string& queue = settings->get(param::queue_directory);
  if (chdir(queue.c_str()) != 0) {
    daemon::fatal(fmt::format("chdir {}: {}", queue, strerror(errno)));
  }
  std::string place = fmt::format("{}/{}", kind, service);
  struct stat status;
  if (stat(place.c_str(), &status) != 0) unreachable(place, service, errno);
  net::Loop loop;
  auto done = loop.run(ipc::trigger(
      place, request, net::Deadline::in(std::chrono::seconds(10))));
  if (!done) unreachable(place, service, done.error().sys);
  return 0;
}

}  // namespace mail::postkick

int main(int argc, char** argv) { return mail::postkick::run(argc, argv); }
