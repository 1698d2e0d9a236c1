#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/ipc/conversation.h"
#include "common/ipc/rewrite.h"
#include "common/log/log.h"
#include "common/net/listener.h"
#include "common/net/loop.h"
#include "common/net/task_set.h"
#include "smtpd/restrict/restrictions.h"
#include "tests/support/fake_dns.h"
#include "tests/unit/common/config/fixture.h"

namespace mail::smtpd::restriction {

/// The restrictions of a main.cf, with a name server, a trivial-rewrite and a
/// log of the test's own. Local domain: example.com; relayed: relay.example.
struct Bench {
  char directory[32] = "/tmp/restrict_test.XXXXXX";
  std::filesystem::path before;
  net::Loop loop;
  test::FakeDns dns;
  dns::Resolver resolver{dns.conf()};
  daemon::Context context;
  std::unique_ptr<RewriteClient> rewrite;
  std::unique_ptr<Restrictions> restrictions;
  std::unique_ptr<net::Listener> listener;
  net::TaskSet tasks;
  int resolved = 0;
  Facts facts;
  Effects effects;

  explicit Bench(const std::string& main_cf, bool relay_protection = true) {
    REQUIRE(mkdtemp(directory));
    before = std::filesystem::current_path();
    std::filesystem::current_path(directory);
    std::filesystem::create_directory("private");
    log::Config config;
    config.process = "smtpd";
    config.file = std::string(directory) + "/log";
    config.file_only = true;
    log::open(config);
    config::Fixture fixture(
        "mydestination = example.com\nlocal_recipient_maps = "
        "inline:{alice=x}\ninet_interfaces = 192.0.2.77\n"
        "alias_maps =\ncompatibility_level = 3.6\n" +
        std::string(relay_protection ? "smtpd_relay_restrictions = "
                                       "reject_unauth_destination\n"
                                     : "smtpd_relay_restrictions =\n") +
        main_cf);
    fixture.args.process_name = "smtpd";
    auto loaded = fixture.load();
    REQUIRE(loaded);
    context.settings = *loaded;
    rewrite = std::make_unique<RewriteClient>(*context.settings);
    listener = std::make_unique<net::Listener>(
        *net::Listener::bind({{}, 0, "private/rewrite"}));
    tasks.start(accept_all(this));
    facts.client.name = "client.example.org";
    facts.client.reverse_name = "client.example.org";
    facts.client.name_status = facts.client.reverse_status = NameStatus::Ok;
    facts.client.address = *net::IpAddress::parse("192.0.2.9");
    facts.client.address_text = "192.0.2.9";
    facts.client.name_addr = "client.example.org[192.0.2.9]";
    facts.protocol = "ESMTP";
    facts.helo = "client.example.org";
    facts.sender = "a@x.example";
    facts.recipient = "alice@example.com";
    facts.command = "RCPT";
  }
  ~Bench() {
    restrictions.reset();
    tasks.clear();
    std::filesystem::current_path(before);
    std::filesystem::remove_all(directory);
  }
  Bench(const Bench&) = delete;

  std::string open_error() {
    auto opened = Restrictions::open(context, resolver, *rewrite);
    if (!opened) return opened.error().what;
    restrictions = std::move(*opened);
    return "";
  }

  /// "ok", or the reply's line.
  std::string rcpt(std::string address = "alice@example.com") {
    if (!restrictions) REQUIRE(open_error() == "");
    facts.recipient = std::move(address);
    return said(loop.run(restrictions->recipient(facts, effects)));
  }
  std::string check(Stage stage) {
    if (!restrictions) REQUIRE(open_error() == "");
    return said(loop.run(restrictions->check(stage, facts, effects)));
  }
  static std::string said(const Verdict& verdict) {
    if (verdict.kind != Verdict::Kind::Reject) return "ok";
    if (verdict.reply.code == 0) return "hangup";
    return verdict.reply.line();
  }

  /// The log's lines since the last call, without time and ident.
  std::vector<std::string> logged() {
    auto text = read_file(std::string(directory) + "/log");
    std::vector<std::string> out;
    if (!text) return out;
    for (auto line : split(*text, "\n")) {
      out.emplace_back(line.substr(line.find("]: ") + 3));
    }
    auto fresh = std::vector<std::string>(
        out.begin() + static_cast<long>(read_), out.end());
    read_ = out.size();
    return fresh;
  }

 private:
  static net::Task<> accept_all(Bench* site) {
    while (true) {
      auto fd = co_await site->listener->accept();
      if (!fd) co_return;
      site->tasks.start(serve(site, net::Stream(std::move(*fd))));
    }
  }
  static net::Task<> serve(Bench* site, net::Stream stream) {
    namespace flag = ipc::resolve_flag;
    net::Deadline deadline = net::Deadline::in(std::chrono::seconds(20));
    ipc::greet(stream, ipc::kRewriteProtocol);
    while (true) {
      auto sent = co_await stream.flush(deadline);
      if (!sent) co_return;
      auto request = co_await ipc::receive<ipc::ResolveRequest>(
          stream, "client", deadline);
      if (!request) co_return;
      ++site->resolved;
      ipc::ResolveReply reply;
      reply.recipient = request->address;
      reply.flags = flag::kDefault;
      if (iends_with(reply.recipient, "@example.com")) {
        reply.flags = flag::kLocal | flag::kFinal;
      }
      if (iends_with(reply.recipient, "@relay.example")) {
        reply.flags = flag::kRelay;
      }
      if (reply.recipient.find('%') != std::string::npos) {
        reply.flags |= flag::kRouted;
      }
      if (iends_with(reply.recipient, "@moved.example")) {
        reply.flags = flag::kRelay;
        reply.transport = "error";
        reply.nexthop = "5.1.6 moved away";
      }
      if (iends_with(reply.recipient, "@later.example")) {
        reply.flags = flag::kRelay;
        reply.transport = "retry";
        reply.nexthop = "later";
      }
      if (iends_with(reply.recipient, "@broken.example")) {
        reply.flags = flag::kFail;
      }
      ipc::append(stream, reply);
    }
  }
  size_t read_ = 0;
};

/// What stands behind each line of the standard facts.
inline const std::string kFacts =
    "; from=<a@x.example> to=<alice@example.com> proto=ESMTP "
    "helo=<client.example.org>";
inline const std::string kFrom = " RCPT from client.example.org[192.0.2.9]: ";

}  // namespace mail::smtpd::restriction
