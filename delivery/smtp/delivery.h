#pragma once

#include <list>
#include <memory>

#include "common/queuefile/content.h"
#include "delivery/agent.h"
#include "delivery/smtp/session.h"

namespace mail::smtpc {

/// Sessions that are left open for the next delivery to the same place.
class Pool {
 public:
  explicit Pool(Config& config) : config_(config) {}
  /// One that still lives; null if there is none.
  std::unique_ptr<Session> take(const std::string& key);
  void keep(std::string key, std::unique_ptr<Session> session,
            net::TaskSet& tasks);

 private:
  struct Kept {
    std::string key;
    std::unique_ptr<Session> session;
    Instant until;
  };
  net::Task<> expire();
  Config& config_;
  std::list<Kept> kept_;
  bool expiring_ = false;
};

/// One delivery request: finds servers, tries them in turn, sends the message
/// once, reports each recipient.
class Delivery {
 public:
  Delivery(Config& config, Pool& pool, net::TaskSet& tasks,
           delivery::Request& request, delivery::Report& report);
  net::Task<ipc::Dsn> run();

 private:
  using Recipients = std::vector<const ipc::Recipient*>;
  net::Task<> try_destination(Destination destination, bool last);
  net::Task<bool> try_server(const Destination& destination, Server server,
                             bool last);
  net::Task<> drop_loops();
  /// The message over an open session. True: every recipient is settled, or
  /// the session at least was not lost.
  net::Task<bool> send(Session& session, bool last);
  net::Task<Session::Outcome> envelope(Session& session);
  net::Task<Result<std::vector<std::string>>> outer_addresses();
  net::Task<bool> envelope_replies(Session& session, bool last);
  net::Task<Session::Outcome> content(Session& session);
  net::Task<bool> verdicts(Session& session, bool last);
  net::Task<> settle(const Session* session, const ipc::Recipient* recipient,
                     Problem problem);
  net::Task<> settle_sent(const Session& session,
                          const ipc::Recipient* recipient,
                          const smtp::ClientReply& reply);
  /// A problem of all that are left: reported, or only remembered when
  /// another server may be tried. True: reported.
  net::Task<bool> give_up(const Session* session, Problem problem, bool last);
  std::string pool_key(const Destination& destination) const;
  bool may_keep(const Session& session, const Destination& destination) const;

  Config& config_;
  Pool& pool_;
  net::TaskSet& tasks_;
  delivery::Request& request_;
  delivery::Report& report_;
  Recipients left_;
  Recipients asked_, accepted_;  ///< in the transaction
  std::optional<smtp::ClientReply> mail_refusal_;
  bool data_allowed_ = false;
  timeval connected_{};
  ipc::Dsn hop_;
  std::optional<Problem> last_problem_;
  size_t sessions_ = 0;
};

}  // namespace mail::smtpc
