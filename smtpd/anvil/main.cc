// anvil(8): counts what remote clients do in a time unit, for smtpd's limits.
#include <fmt/format.h>

#include "common/config/postfix/params.h"
#include "common/daemon/service.h"
#include "common/ipc/conversation.h"
#include "common/log/log.h"
#include "smtpd/anvil/rates.h"

namespace mail::anvil {

namespace param = config::param;

namespace {

using Reply = std::string;  // encoded

class AnvilService : public daemon::Service {
 public:
  Result<> open(daemon::Context& context) override {
    const auto& settings = *context.settings;
    rates_.emplace(settings.get(param::anvil_rate_time_unit));
    report_every_ = settings.get(param::anvil_status_update_time);
    return {};
  }

  net::Task<Result<>> start(daemon::Context& context) override {
    context.tasks->start(report());
    context.tasks->start(expire());
    co_return Result<>{};
  }

  net::Task<> serve(net::Stream client) override {
    ipc::greet(client, ipc::kAnvilProtocol, ipc::Form::Plain);
    // Idents that this connection has announced: when it breaks off, their
    // connections are gone with it.
    std::map<std::string, int> announced;
    while (true) {
      auto sent = co_await client.flush(net::Deadline::in(kPeerTime));
      if (!sent) break;
      auto request = co_await ipc::receive<ipc::AnvilRequest>(
          client, "anvil client", net::Deadline::never(), ipc::Form::Plain);
      if (!request) break;
      client.write(answer(*request, announced));
    }
    for (auto& [ident, count] : announced) {
      while (count-- > 0) rates_->disconnect(ident, Clock::now());
    }
  }

  void stop() override {
    for (const auto& line : rates_->take_statistics()) log::info(line);
  }

 private:
  static constexpr std::chrono::seconds kPeerTime{100};

  template <class M>
  static Reply encoded(const M& message) {
    Reply out;
    ipc::encode(message, out, ipc::Form::Plain);
    return out;
  }

  Reply answer(const ipc::AnvilRequest& request,
               std::map<std::string, int>& announced) {
    Instant now = Clock::now();
    WallTime wall = WallClock::now();
    const std::string& ident = request.ident;
    if (request.request == "connect") {
      ++announced[ident];
      return encoded(rates_->connect(ident, now, wall));
    }
    if (request.request == "disconnect") {
      rates_->disconnect(ident, now);
      if (auto at = announced.find(ident);
          at != announced.end() && --at->second == 0) {
        announced.erase(at);
      }
      return encoded(ipc::Status{});
    }
    if (request.request == "lookup") {
      return encoded(
          ipc::AnvilLookupReply{0, rates_->connections(ident),
                                rates_->rate(Rates::kConnect, ident, now),
                                rates_->rate(Rates::kMessage, ident, now),
                                rates_->rate(Rates::kRecipient, ident, now),
                                rates_->rate(Rates::kNewTls, ident, now),
                                rates_->rate(Rates::kAuth, ident, now)});
    }
    return rate_answer(request, now, wall);
  }

  Reply rate_answer(const ipc::AnvilRequest& request, Instant now,
                    WallTime wall) {
    if (request.request == "newtls_status") {
      return encoded(ipc::AnvilRateReply{
          0, rates_->rate(Rates::kNewTls, request.ident, now)});
    }
    static constexpr std::pair<std::string_view, Rates::Event> kCounted[] = {
        {"message", Rates::kMessage},
        {"recipient", Rates::kRecipient},
        {"newtls", Rates::kNewTls},
        {"auth", Rates::kAuth}};
    for (auto [name, event] : kCounted) {
      if (request.request != name) continue;
      return encoded(ipc::AnvilRateReply{
          0, rates_->count(event, request.ident, now, wall)});
    }
    log::warning(fmt::format("unrecognized command: \"{}\" from anvil client",
                             request.request));
    return encoded(ipc::Status{-1});
  }

  net::Task<> report() {
    while (true) {
      co_await net::sleep(report_every_);
      for (const auto& line : rates_->take_statistics()) log::info(line);
    }
  }
  net::Task<> expire() {
    while (true) {
      co_await net::sleep(std::chrono::seconds(10));
      rates_->expire(Clock::now());
    }
  }

  std::optional<Rates> rates_;
  Duration report_every_{};
};

}  // namespace

}  // namespace mail::anvil

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "anvil",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::anvil::AnvilService>();
       },
       .limit = mail::daemon::ProcessLimit::One,
       .clients = 5000});
}
