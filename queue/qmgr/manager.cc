#include "queue/qmgr/manager.h"

#include <fmt/format.h>

#include <ctime>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/ipc/bounce.h"
#include "common/log/log.h"
#include "common/mime/address.h"

namespace mail::qmgr {

namespace param = config::param;

Manager::Manager(daemon::Context& context)
    : context_(context),
      settings_(*context.settings),
      layout_(daemon::queue_layout(settings_)) {}

Result<std::unique_ptr<Manager>> Manager::open(daemon::Context& context) {
  std::unique_ptr<Manager> manager(new Manager(context));
  TRY(manager->configure());
  return manager;
}

Result<> Manager::configure() {
  const auto& s = settings_;
  auto service = [&](param::String name) {
    return std::make_unique<ipc::Client>(
        ipc::Client::Options{.path = "private/" + s.get(name),
                             .protocol = ipc::kBounceProtocol,
                             .timeout = s.get(param::qmgr_ipc_timeout)});
  };
  rewrite_ = std::make_unique<ipc::RewriteClient>(s);
  bounce_ = service(param::bounce_service_name);
  defer_ = service(param::defer_service_name);
  trace_ = service(param::trace_service_name);
  delimiters_ = s.get(param::recipient_delimiter);
  double_bounce_ = s.get(param::double_bounce_sender);
  for (auto name : split(s.get(param::defer_transports))) {
    defer_transports_.emplace(name);
  }
  active_limit_ = static_cast<size_t>(
      std::max(1L, s.get(param::qmgr_message_active_limit)));
  recipient_limit_ = static_cast<size_t>(
      std::max(1L, s.get(param::qmgr_message_recipient_limit)));
  process_limit_ =
      static_cast<size_t>(std::max(1L, s.get(param::default_process_limit)));
  run_delay_ = s.get(param::queue_run_delay);
  retry_time_ = s.get(param::transport_retry_time);
  minimal_backoff_ = s.get(param::minimal_backoff_time);
  maximal_backoff_ = s.get(param::maximal_backoff_time);
  lifetime_ = s.get(param::maximal_queue_lifetime).count();
  bounce_lifetime_ =
      std::min(lifetime_, s.get(param::bounce_queue_lifetime).count());
  return {};
}

std::string Manager::shown(const std::string& address) const {
  return settings_.get(param::info_log_address_format) == "internal"
             ? address
             : mime::quote_local(address);
}

void Manager::trigger(std::string_view bytes) {
  for (char c : bytes) {
    switch (c) {
      case 'W':
      case 'I':
        scan_incoming_ = true;
        break;
      case 'D':
        scan_deferred_ = true;
        break;
      case 'A':
        scan_all_ = true;
        break;
      case 'F':
        ignore_defer_transports_ = true;
        for (auto& [name, transport] : transports_) {
          transport->dead_until = {};
          for (auto& [queue, destination] : transport->destinations) {
            destination->window.revive();
          }
        }
        pump_all();
        break;
      default:
        break;
    }
  }
  work_.notify_all();
}

net::Task<> Manager::run() {
  tasks_.start(scan_deferred_now_and_then());
  while (true) {
    if (scan_incoming_) {
      scan_incoming_ = false;
      co_await scan_incoming();
    } else if (scan_deferred_) {
      scan_deferred_ = false;
      co_await scan_deferred();
      scan_all_ = false;
      ignore_defer_transports_ = false;
    } else {
      // Whoever puts mail in may go on at full speed.
      size_t tokens = daemon::flow_tokens();
      if (tokens < process_limit_) {
        daemon::give_flow_tokens(process_limit_ - tokens);
      }
      co_await work_.wait();
    }
  }
}

net::Task<> Manager::scan_deferred_now_and_then() {
  while (true) {
    co_await net::sleep(run_delay_);
    scan_deferred_ = true;
    scan_incoming_ = true;
    Instant now = Clock::now();
    for (auto& [name, transport] : transports_) transport->tidy(now);
    work_.notify_all();
  }
}

}  // namespace mail::qmgr
