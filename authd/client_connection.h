#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "authd/client_engine.h"
#include "authd/line_writer.h"
#include "authd/server.h"
#include "common/net/condition.h"
#include "common/net/stream.h"
#include "common/net/task_set.h"
#include "common/sasl/server.h"

namespace mail::authd {

/// One client of the authentication protocol: a login process, Postfix, Exim.
/// Many attempts go on at the same time, a task each.
class ClientConnection {
 public:
  /// login: the client's users may be claimed by mail processes (REQUEST).
  ClientConnection(Server& server, net::Stream stream, bool login);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  net::Task<> serve();

  /// The user behind an attempt that succeeded, once; nullptr: no such, or the
  /// cookie is wrong.
  std::unique_ptr<Request> claim(unsigned id, std::string_view cookie);

 private:
  struct Attempt;
  bool take(ClientEngine::Event& event);
  bool start(ipc::AuthStart& auth);
  net::Task<> run(Attempt& attempt, ipc::AuthStart auth);
  net::Task<> converse(Attempt& attempt, ipc::AuthStart auth);
  net::Task<bool> hold_back(Attempt& attempt);
  net::Task<std::optional<std::string>> challenge(Attempt& attempt,
                                                  std::string text);
  net::Task<> check_password(Attempt& attempt, sasl::CheckPassword& check);
  net::Task<std::optional<sasl::Event>> find_credentials(
      Attempt& attempt, const sasl::NeedCredentials& need);
  bool name_user(Attempt& attempt, const std::string& user,
                 const std::string& authzid, std::string_view what);
  net::Task<> anonymous(Attempt& attempt, const std::string& trace);
  net::Task<> refuse(Attempt& attempt, std::string reason);
  net::Task<> succeed(Attempt& attempt, std::string data);
  net::Task<> fail_with(Attempt& attempt, PassResult result);
  net::Task<> invalid_base64(Attempt& attempt, std::string_view where);
  void answer(Attempt& attempt, std::string line);
  void send(std::string line);
  void debug(std::string_view text) const;

  Server& server_;
  net::Stream stream_;
  bool login_, closing_ = false;
  unsigned pid_ = 0;
  std::string cookie_;
  ClientEngine engine_;
  std::map<unsigned, std::unique_ptr<Attempt>> attempts_;
  std::map<unsigned, std::unique_ptr<Request>> claimable_;
  LineWriter writer_{stream_, tasks_};
  net::TaskSet tasks_;  // last: its tasks use all of the above
};

}  // namespace mail::authd
