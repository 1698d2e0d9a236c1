// config: answers what Dovecot's processes ask of dovecot.conf.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "common/config/dovecot/layers.h"
#include "common/config/dovecot/wire.h"
#include "common/daemon/dovecot_service.h"
#include "common/log/log.h"
#include "common/process/dovecot_files.h"

namespace mail::config_service {

namespace cf = config::dovecot;
using namespace std::chrono_literals;

namespace {

constexpr size_t kLineLimit = 8192;
constexpr auto kWriteTime = 60s;

class ConfigService : public daemon::DovecotService {
 public:
  Result<> open(daemon::DovecotContext&) override {
    const char* path = getenv("CONFIG_FILE");
    configuration_ =
        std::make_unique<cf::Configuration>(cf::Configuration::load(
            path ? path : "/etc/dovecot/dovecot.conf", files_));
    for (const auto& problem : configuration_->problems()) {
      if (problem.kind == cf::Problem::Kind::Error) {
        return fail(Fault::Config, problem.message());
      }
    }
    for (const auto* layer : configuration_->impl().ordered()) {
      filters_.push_back(layer->filter);
    }
    return {};
  }

  net::Task<> serve(net::Stream stream, daemon::DovecotConnection) override {
    bool greeted = false;
    while (true) {
      size_t end = stream.input().find('\n');
      if (end == std::string_view::npos) {
        if (stream.input().size() > kLineLimit) co_return;
        auto sent = co_await stream.flush(net::Deadline::in(kWriteTime));
        if (!sent) co_return;
        auto got = co_await stream.fill(net::Deadline::never());
        if (!got || *got == 0) co_return;
        continue;
      }
      std::string line(stream.input().substr(0, end));
      stream.consume(end + 1);
      if (!greeted) {
        if (!line.starts_with("VERSION\tconfig\t2\t")) {
          log::error("Config client doesn't speak version 2");
          co_return;
        }
        greeted = true;
      } else if (line.starts_with("REQ")) {
        stream.write(answer(cf::parse_request(line)));
      } else if (line == "FILTERS") {
        stream.write(cf::write_filters(filters_));
      }
    }
  }

 private:
  std::string answer(const cf::ConfigRequest& request) {
    // Files (certificates, keys) are read anew each time.
    auto values =
        configuration_->flat(request.context, request.modules, files_);
    if (!values) return fmt::format("\nERROR {}\n", values.error().what);
    std::erase_if(*values, [&](const auto& pair) {
      return std::find(request.exclude.begin(), request.exclude.end(),
                       pair.first) != request.exclude.end();
    });
    return cf::write_reply(cf::reply_flags(filters_, request.context), *values);
  }

  process::DovecotFiles files_;
  std::unique_ptr<cf::Configuration> configuration_;
  std::vector<cf::Filter> filters_;
};

}  // namespace

}  // namespace mail::config_service

int main(int argc, char** argv) {
  return mail::daemon::run_dovecot(
      argc, argv,
      {.name = "config",
       .protocol = "config",
       .modules = {"master"},
       .make = []() -> std::unique_ptr<mail::daemon::DovecotService> {
         return std::make_unique<mail::config_service::ConfigService>();
       },
       // Opens certificates and keys, as root, for the others.
       .profile = mail::process::Profile::HoldsSecrets,
       .keeps_privileges = true,
       .stays = true});
}
