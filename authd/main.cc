// auth: who may log in, and what is known of users. With -w a worker process.
#include <malloc.h>

#include <string_view>

#include "authd/client_connection.h"
#include "authd/master_connection.h"
#include "authd/server.h"
#include "authd/worker.h"
#include "common/daemon/dovecot_service.h"

namespace mail::authd {

namespace {

/// What is spoken at a listener, by the last part of its name.
enum class Protocol { Client, Login, Master, Userdb };

Protocol protocol_of(std::string_view listener) {
  std::string_view last = listener.substr(listener.rfind('/') + 1);
  last = last.substr(last.rfind('-') + 1);
  if (last == "login") return Protocol::Login;
  if (last == "master") return Protocol::Master;
  if (last == "userdb") return Protocol::Userdb;
  return Protocol::Client;
}

class AuthService : public daemon::DovecotService {
 public:
  Result<> open(daemon::DovecotContext& context) override {
    return server_.open(context);
  }
  net::Task<> serve(net::Stream stream,
                    daemon::DovecotConnection connection) override {
    Protocol protocol = protocol_of(connection.listener);
    if (protocol == Protocol::Master || protocol == Protocol::Userdb) {
      MasterConnection master(server_, std::move(stream),
                              protocol == Protocol::Userdb);
      co_await master.serve();
    } else {
      ClientConnection client(server_, std::move(stream),
                              protocol == Protocol::Login);
      co_await client.serve();
    }
  }
  void statistics() override { server_.log_cache_statistics(); }

 private:
  Server server_;
};

template <class S>
std::unique_ptr<daemon::DovecotService> make() {
  return std::make_unique<S>();
}

}  // namespace

}  // namespace mail::authd

int main(int argc, char** argv) {
  using namespace mail;
  // An arena a thread would be 64 MiB of address space each, which the
  // service's vsz_limit counts.
  mallopt(M_ARENA_MAX, 1);
  bool worker = false;
  for (int i = 1; i < argc; ++i) {
    worker = worker || std::string_view(argv[i]) == "-w";
  }
  if (worker) {
    // PAM's modules may do anything, as root: no sandbox fits them.
    return daemon::run_dovecot(argc, argv,
                               {.name = "auth",
                                .protocol = "auth",
                                .modules = {"auth"},
                                .make = authd::make<authd::WorkerService>,
                                .profile = process::Profile::None,
                                .keeps_privileges = true,
                                .log_prefix = "auth-worker(%p): "});
  }
  return daemon::run_dovecot(argc, argv,
                             {.name = "auth",
                              .protocol = "auth",
                              .modules = {"auth"},
                              .make = authd::make<authd::AuthService>,
                              .profile = process::Profile::HoldsSecrets});
}
