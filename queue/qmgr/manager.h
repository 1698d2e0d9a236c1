#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/daemon/service.h"
#include "common/ipc/conversation.h"
#include "common/ipc/rewrite_client.h"
#include "common/queue/scanner.h"
#include "common/queue/spool.h"
#include "queue/qmgr/message.h"
#include "queue/qmgr/transport.h"

namespace mail::qmgr {

/// The queue manager: takes messages from incoming and deferred into the
/// active queue, finds out where each recipient goes, hands requests to the
/// delivery agents as their destinations bear them, and disposes of what is
/// done.
class Manager {
 public:
  /// Errors: Config.
  static Result<std::unique_ptr<Manager>> open(daemon::Context& context);

  /// What was active when the last queue manager ended is new mail again.
  void recover();
  net::Task<> run();
  /// W, I: incoming; D: deferred; F: revive what is dead; A: all, whatever
  /// their time stamps say.
  void trigger(std::string_view bytes);

 private:
  explicit Manager(daemon::Context& context);
  Result<> configure();

  // scan.cc
  net::Task<> scan_deferred_now_and_then();
  net::Task<> scan_incoming();
  net::Task<> scan_deferred();
  net::Task<bool> take(const char* queue, std::string name, bool all);
  net::Task<> room();

  // activate.cc
  net::Task<> activate(std::string id, bool from_deferred, mode_t mode);
  net::Task<> activate_later(std::string id, bool from_deferred, mode_t mode);
  net::Task<Result<std::vector<queuefile::FileRecipient>>> read(
      Message& message);
  net::Task<> assign(Message& message,
                     std::vector<queuefile::FileRecipient> recipients);
  void discard_notice(const Message& message, const ipc::Recipient& recipient);
  void corrupt(const std::string& id, std::string_view why);

  struct Route {
    std::string transport, nexthop, recipient;
    bool discard = false;
  };
  net::Task<Route> route(Message& message,
                         const queuefile::FileRecipient& recipient);

  // deliver.cc
  Transport& transport(const std::string& name);
  void pump(Destination& destination);
  void pump_all();
  net::Task<> deliver(Destination* destination, Entry entry);
  net::Task<> pace(Destination* destination);
  net::Task<> pace_transport(Transport* transport);
  net::Task<Result<ipc::DeliveryReply>> exchange(
      const std::string& transport, ipc::DeliveryRequest request,
      const std::vector<ipc::Recipient>& recipients);
  void suspend(Destination& destination);
  net::Task<> defer_entry(Entry entry, ipc::Dsn why);
  void wake_at(Instant when);
  net::Task<> wake_later(Instant when);
  void entry_done(Message& message, bool deferred);

  // finish.cc
  net::Task<> finish(Message* message);
  net::Task<bool> tell_bounce(Message& message, ipc::Client& service,
                              int request, int flags);
  net::Task<> retire(Message& message);
  void put_off(Message& message);

  std::string shown(const std::string& address) const;

  daemon::Context& context_;
  const config::Settings& settings_;
  queue::Layout layout_;
  std::unique_ptr<ipc::RewriteClient> rewrite_;
  std::unique_ptr<ipc::Client> bounce_, defer_, trace_;
  std::string delimiters_, double_bounce_, verp_filter_;
  std::set<std::string> defer_transports_;
  size_t active_limit_ = 20000, recipient_limit_ = 20000;
  size_t process_limit_ = 100;
  Duration run_delay_{}, retry_time_{}, minimal_backoff_{}, maximal_backoff_{};
  long lifetime_ = 0, bounce_lifetime_ = 0;

  std::map<std::string, std::unique_ptr<Transport>> transports_;
  std::map<std::string, std::unique_ptr<Message>> active_;
  size_t recipients_ = 0;
  bool scan_incoming_ = true, scan_deferred_ = true;
  bool scan_all_ = false, ignore_defer_transports_ = false;
  net::Condition work_, room_;
  net::TaskSet tasks_;
};

}  // namespace mail::qmgr
