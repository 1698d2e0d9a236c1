#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "authd/client_engine.h"
#include "authd/line_writer.h"
#include "authd/server.h"
#include "common/net/stream.h"
#include "common/net/task_set.h"

namespace mail::authd {

/// One client of the master or userdb protocol: imap, pop3, lmtp, doveadm.
class MasterConnection {
 public:
  MasterConnection(Server& server, net::Stream stream, bool userdb_only);
  MasterConnection(const MasterConnection&) = delete;
  MasterConnection& operator=(const MasterConnection&) = delete;

  net::Task<> serve();

 private:
  bool take(MasterEngine::Event& event);
  net::Task<> user(MasterEngine::User wanted);
  net::Task<> pass(MasterEngine::User wanted);
  net::Task<> list(MasterEngine::List wanted);
  net::Task<> request(MasterEngine::CookieRequest wanted);
  std::string session_fields(const Request& request,
                             const ipc::AuthCookieRequest& cookie) const;
  /// What a peer without full rights may know: himself.
  bool may_see(const Request& request);
  bool may_ask_all(std::string_view what);
  void complain(std::string_view why);
  void answer(std::string_view label, std::string line);
  void send(std::string line);

  Server& server_;
  net::Stream stream_;
  MasterEngine engine_;
  Instant created_ = Clock::now(), handshake_{};
  std::string socket_path_;
  pid_t peer_pid_ = 0;
  uid_t peer_uid_ = 0;
  bool restricted_ = false, closing_ = false;
  LineWriter writer_{stream_, tasks_};
  net::TaskSet tasks_;
};

}  // namespace mail::authd
