#pragma once

#include <memory>

#include "common/queuefile/content.h"
#include "delivery/agent.h"
#include "delivery/smtp/pool.h"
#include "delivery/smtp/session.h"

namespace mail::smtpc {

/// One delivery request: finds servers, tries them in turn, sends the message
/// once, reports each recipient.
class Delivery {
 public:
  Delivery(Config& config, Pool& pool, delivery::Request& request,
           delivery::Report& report);
  net::Task<ipc::Dsn> run();

 private:
  using Recipients = std::vector<const ipc::Recipient*>;
  net::Task<> try_destination(Destination destination, bool last);
  net::Task<bool> try_server(const Destination& destination, Server server,
                             bool last);
  /// Which sessions a destination may take over and leave behind.
  struct Caching {
    bool load = false, store = false;
    bool by_address = false;  ///< of a server that has it for other domains
    Pool::Search search = Pool::Search::Here;
  };
  net::Task<> look_at_caching(const Destination& destination);
  /// A kept session, if there is one. True: its server has had its turn.
  net::Task<bool> try_kept(ScacheClient::Kind kind, std::string key,
                           const Destination& destination, bool last);
  net::Task<> drop_loops();
  net::Task<> let_go(const Destination& destination,
                     std::unique_ptr<Session> session, bool fine);
  net::Task<Session::Outcome> forward_client(Session& session);
  bool asks_data() const;
  net::Task<bool> probed(Session& session);
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
  void remember(const Session* session, Problem problem);
  Pool::Keys keys_of(const Destination& destination,
                     const Server* server) const;
  bool may_keep(const Session& session) const;

  Config& config_;
  Pool& pool_;
  delivery::Request& request_;
  delivery::Report& report_;
  Recipients left_;
  Recipients asked_, accepted_;               ///< in the transaction
  std::vector<smtp::ClientReply> accepting_;  ///< a probe's, of accepted_
  std::optional<smtp::ClientReply> mail_refusal_;
  bool data_allowed_ = false;
  bool content_sent_ = false;  ///< a lost session may have delivered it
  Caching caching_;
  timeval connected_{};
  ipc::Dsn hop_;
  std::optional<Problem> last_problem_;
  size_t sessions_ = 0;
  std::string kept_at_;  ///< the server of the kept session used last
};

}  // namespace mail::smtpc
