// proxymap(8): lookup tables for processes that cannot open them, or should
// not all keep them open.
#include "common/config/postfix/params.h"
#include "common/daemon/service.h"
#include "common/daemon/tables.h"
#include "common/ipc/conversation.h"
#include "master/proxymap/server.h"

namespace mail::proxymap {
namespace {

namespace param = config::param;

class ProxymapService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    const auto& settings = *context.settings;
    maps::OpenOptions options = daemon::table_options(context);
    options.proxy = options.proxy_writer = nullptr;  // that is us
    bool writes =
        context.service == settings.get(param::proxywrite_service_name);
    server_.emplace(writes ? Access::Write : Access::Read,
                    writes ? settings.get(param::proxy_write_maps)
                           : settings.get(param::proxy_read_maps),
                    std::move(options));
    timeout_ = settings.get(param::ipc_timeout);
    return {};
  }

  net::Task<> serve(net::Stream client) override {
    ipc::greet(client, ipc::kProxymapProtocol);
    while (true) {
      auto sent = co_await client.flush(net::Deadline::in(timeout_));
      if (!sent) co_return;
      auto request = co_await ipc::receive<ipc::ProxymapRequest>(
          client, "proxymap client", net::Deadline::never());
      if (!request) co_return;
      client.write(server_->answer(*request));
    }
  }

 private:
  std::optional<Server> server_;
  Duration timeout_{};
};

}  // namespace
}  // namespace mail::proxymap

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "proxymap",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::proxymap::ProxymapService>();
       },
       .clients = 5000});
}
