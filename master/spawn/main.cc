// spawn(8): as inetd, gives each client to a command of its own, which the
// service's master.cf line names: user=NAME[:GROUP] argv=COMMAND...
#include <fmt/format.h>

#include "common/daemon/command_service.h"
#include "common/daemon/service.h"
#include "common/log/log.h"
#include "master/spawn/socket_command.h"

namespace mail::spawn {

namespace {

class SpawnService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    std::string user = TRY(read(context.arguments));
    if (user.empty()) {
      return fail(Fault::Config, "missing user= command-line attribute");
    }
    if (command_.argv.empty()) {
      return fail(Fault::Config, "missing argv= command-line attribute");
    }
    const auto& settings = *context.settings;
    if (!context.rootless) {
      command_.ids = TRY(daemon::find_service_user(user, settings));
    }
    command_.environment = daemon::command_environment(settings);
    command_.time_limit = TRY(
        settings.transport(context.service, config::TransportTime::time_limit));
    return {};
  }

  net::Task<> serve(net::Stream stream) override {
    const auto& name = command_.argv.front();
    auto end = run_on_socket(command_, stream.release());
    if (!end) {
      log::warning(fmt::format("command {}: {}", name, end.error().what));
    } else if (end->timed_out) {
      log::warning(fmt::format("{}: process id {}: command time limit exceeded",
                               name, end->pid));
    } else if (end->signal != 0) {
      log::warning(
          fmt::format("command {} killed by signal {}", name, end->signal));
    } else if (end->status != 0) {
      log::warning(fmt::format("command {} exit status {}", name, end->status));
    }
    co_return;
  }

 private:
  /// Returns the value of user=.
  Result<std::string> read(const std::vector<std::string>& arguments) {
    std::string user;
    for (size_t i = 0; i < arguments.size(); ++i) {
      std::string_view text = arguments[i];
      if (text.starts_with("user=")) {
        user = text.substr(5);
      } else if (text.starts_with("argv=")) {
        if (text.size() > 5) command_.argv.emplace_back(text.substr(5));
        command_.argv.insert(command_.argv.end(),
                             arguments.begin() + long(i) + 1, arguments.end());
        break;
      } else {
        return fail(Fault::Config,
                    fmt::format("unknown attribute name: {}", text));
      }
    }
    return user;
  }

  SocketCommand command_;
};

}  // namespace

}  // namespace mail::spawn

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "spawn",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::spawn::SpawnService>();
       },
       .privileged = true,
       .profile = mail::process::Profile::ReadsMailbox,
       .clients = 1});
}
