#include "smtpd/standalone.h"

#include "common/config/postfix/params.h"

namespace mail::smtpd {

namespace {

using restriction::Effects;
using restriction::Verdict;

class NoRestrictions final : public restriction::Restrictions {
 public:
  net::Task<Verdict> check(restriction::Stage, const Facts&,
                           Effects&) override {
    co_return Verdict{};
  }
  net::Task<Verdict> recipient(const Facts&, Effects&) override {
    co_return Verdict{};
  }
  net::Task<Verdict> verify_address(const Facts&, Effects&) override {
    co_return Verdict{};
  }
  net::Task<Result<bool>> is_local_client(const Facts&) override {
    co_return true;
  }
  bool has(restriction::Stage) const override { return false; }
};

}  // namespace

std::unique_ptr<restriction::Restrictions> no_restrictions() {
  return std::make_unique<NoRestrictions>();
}

void settle_standalone(Config& config) {
  namespace param = config::param;
  config.postdrop =
      config.settings->get(param::command_directory) + "/postdrop";
  config.connection_count = config.connection_rate = 0;
  config.message_rate = config.recipient_rate = 0;
  config.new_tls_rate = config.auth_rate = 0;
  config.xclient_hosts = {};
  config.xforward_hosts = {};
  config.notify_classes = 0;
  config.content_filter.clear();  // pickup(8) has its own
}

}  // namespace mail::smtpd
