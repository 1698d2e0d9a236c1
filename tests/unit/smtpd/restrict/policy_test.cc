#include "tests/unit/smtpd/restrict/fixture.h"

using namespace mail;
using namespace mail::smtpd;
using namespace mail::smtpd::restriction;
using Lines = std::vector<std::string>;

namespace {

struct PolicyServer {
  std::string reply = "action=550 5.1.1 pol text\n\n";
  std::string request;
  int connections = 0, requests = 0;
  int requests_each = 1000;  ///< then it closes
  net::Listener listener;
  net::TaskSet tasks;

  PolicyServer() : listener(*net::Listener::bind({{}, 0, "private/policy"})) {
    tasks.start(accept_all(this));
  }
  static net::Task<> accept_all(PolicyServer* self) {
    while (true) {
      auto fd = co_await self->listener.accept();
      if (!fd) co_return;
      ++self->connections;
      self->tasks.start(serve(self, net::Stream(std::move(*fd))));
    }
  }
  static net::Task<> serve(PolicyServer* self, net::Stream stream) {
    net::Deadline deadline = net::Deadline::in(std::chrono::seconds(20));
    for (int i = 0; i < self->requests_each; ++i) {
      auto raw = co_await ipc::receive_raw(stream, "client", deadline,
                                           ipc::Form::Plain);
      if (!raw) co_return;
      self->request = *raw;
      ++self->requests;
      stream.write(self->reply);
      auto sent = co_await stream.flush(deadline);
      if (!sent) co_return;
    }
  }
};

}  // namespace

TEST_CASE("A policy server gets all there is to know, in order") {
  Bench site(
      "smtpd_recipient_restrictions = check_policy_service "
      "{ unix:private/policy, { policy_context = here } }\n");
  PolicyServer server;
  site.facts.instance = "72.6b058d9d.18a69.0";
  site.facts.client.port = "47370";
  site.facts.client.server_address = "192.0.2.77";
  site.facts.client.server_port = "25";
  CHECK(site.rcpt() ==
        "550 5.1.1 <alice@example.com>: Recipient address rejected: pol text");
  CHECK(server.request ==
        "request=smtpd_access_policy\nprotocol_state=RCPT\n"
        "protocol_name=ESMTP\nclient_address=192.0.2.9\n"
        "client_name=client.example.org\nclient_port=47370\n"
        "reverse_client_name=client.example.org\nserver_address=192.0.2.77\n"
        "server_port=25\nhelo_name=client.example.org\nsender=a@x.example\n"
        "recipient=alice@example.com\nrecipient_count=0\nqueue_id=\n"
        "instance=72.6b058d9d.18a69.0\nsize=0\netrn_domain=\nstress=\n"
        "sasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\n"
        "ccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\n"
        "encryption_protocol=\nencryption_cipher=\nencryption_keysize=0\n"
        "policy_context=here\n\n");
}

TEST_CASE("Connections to a policy server are kept, lost ones replaced") {
  Bench site(
      "smtpd_recipient_restrictions = check_policy_service "
      "unix:private/policy\n");
  PolicyServer server;
  server.reply = "action=dunno\n\n";
  for (int i = 0; i < 3; ++i) CHECK(site.rcpt() == "ok");
  CHECK(server.connections == 1);
  server.requests_each = 0;
  CHECK(site.rcpt() == "ok");  // the fourth of the kept connection ...
  CHECK(site.logged().empty());
}

TEST_CASE("Without a policy server the default action counts") {
  Bench site(
      "smtpd_recipient_restrictions = check_policy_service "
      "{ unix:private/policy, try_limit=1, { default_action=DEFER none } }\n");
  CHECK(site.rcpt() ==
        "450 4.7.1 <alice@example.com>: Recipient address rejected: none");
  CHECK(site.logged()[0] ==
        "warning: connect to private/policy: No such file or directory");
}

TEST_CASE("A policy server's nonsense is no yes") {
  Bench site(
      "smtpd_recipient_restrictions = check_policy_service "
      "{ unix:private/policy, try_limit=1 }\n");
  PolicyServer server;
  server.reply = "verdict=ok\n\n";
  CHECK(site.rcpt() ==
        "451 4.3.5 <alice@example.com>: Recipient address rejected: Server "
        "configuration problem");
}
