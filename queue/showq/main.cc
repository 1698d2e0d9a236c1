// showq(8): lists the mail queue for postqueue(1).
#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/daemon/service.h"
#include "common/daemon/tables.h"
#include "common/ipc/conversation.h"
#include "queue/showq/listing.h"

namespace mail::showq {

namespace param = config::param;

namespace {

constexpr size_t kStep = 256 << 10;
constexpr std::chrono::seconds kPeerTime{3600};

class ShowqService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    const auto& settings = *context.settings;
    options_ = {.layout = daemon::queue_layout(settings),
                .null_sender = settings.get(param::empty_address_recipient),
                .utf8 = settings.get(param::smtputf8_enable)};
    return {};
  }

  net::Task<> serve(net::Stream client) override {
    ipc::greet(client, ipc::kShowqProtocol);
    // One that comes meanwhile begins a memory of its own.
    auto listed = std::exchange(listed_, nullptr);
    if (!listed) listed = std::make_shared<Listed>();
    auto listing = std::make_shared<Listing>(options_, listed.get());
    for (bool more = true; more;) {
      std::function<Chunk()> job = [listing, listed] {
        Chunk chunk;
        chunk.more = listing->step(kStep, chunk.bytes);
        return chunk;
      };
      auto chunk = co_await daemon::run_blocking(std::move(job));
      more = chunk.more;
      client.write(chunk.bytes);
      auto sent = co_await client.flush(net::Deadline::in(kPeerTime));
      if (!sent) break;
    }
    listed_ = std::move(listed);
  }

 private:
  struct Chunk {
    std::string bytes;
    bool more = false;
  };
  Listing::Options options_;
  std::shared_ptr<Listed> listed_;
};

}  // namespace

}  // namespace mail::showq

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "showq", .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::showq::ShowqService>();
       }});
}
