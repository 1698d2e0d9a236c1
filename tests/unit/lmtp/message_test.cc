#include <unistd.h>

#include <catch2/catch.hpp>

#include "lmtp/headers.h"
#include "lmtp/job.h"
#include "lmtp/spool.h"

namespace mail::lmtp {
namespace {

TEST_CASE("Headers are those that Dovecot puts in front") {
  Trace t;
  t.sender = "sender@x.org";
  t.helo = "client.example.org";
  t.remote_ip = "127.0.0.1";
  t.hostname = "vm";
  t.id = "QHz5AdkDBWsycgAAg+zDdQ:T3";
  t.delivered_to = t.recipient = "bob+newbox@example.com";
  t.now = WallTime(std::chrono::seconds(1795490784));
  auto text = trace_headers(t);
  CHECK(text.starts_with(
      "Return-Path: <sender@x.org>\nDelivered-To: bob+newbox@example.com\n"
      "Received: from client.example.org ([127.0.0.1])\n"
      "\tby vm with LMTP\n"
      "\tid QHz5AdkDBWsycgAAg+zDdQ:T3\n"
      "\t(envelope-from <sender@x.org>)\n"
      "\tfor <bob+newbox@example.com>; Tue, 24 Nov 2026 "));
  t.remote_ip = t.sender = t.delivered_to = t.recipient = "";
  CHECK(trace_headers(t).starts_with(
      "Return-Path: <>\nReceived: from client.example.org\n\tby vm with LMTP\n"
      "\tid QHz5AdkDBWsycgAAg+zDdQ:T3\n\t(envelope-from <>); Tue, "));
  t.received = false;
  CHECK(trace_headers(t) == "Return-Path: <>\n");
}

TEST_CASE("The log knows a message by its header") {
  auto h = logged_headers(
      "Subject: a\n b\r\nMessage-ID:  <m@x> \r\n (c)\nfrom : x@y\n\n"
      "Message-ID: <no>\n");
  CHECK(h.message_id == "<m@x>");
  CHECK(h.subject == "a b");
  CHECK(h.from == "x@y");
  CHECK(logged_headers("no header\n\nx").message_id.empty());
  CHECK(logged_headers("Message-ID: bare").message_id == "bare");
}

TEST_CASE("A job and its answers come back as they were") {
  Job job;
  job.sender = "a\tb@c";
  job.remote_ip = "192.0.2.1";
  job.body = "x\ny\n";
  job.body_size = job.body.size();
  JobRecipient r{"bob", {}, "sid:R2", "Bob@d", "box", "A: b\n\tc\n"};
  r.fields.set("uid", "5000");
  job.recipients = {r, r};
  auto parsed = parse_job(encode(job));
  REQUIRE(parsed);
  CHECK(encode(*parsed) == encode(job));
  CHECK(parsed->recipients[1].headers == "A: b\n\tc\n");
  CHECK(parsed->recipients[1].fields.get("uid") == "5000");
  auto wire = encode(job);
  for (size_t n = 0; n < wire.size(); ++n)
    CHECK_FALSE(parse_job(wire.substr(0, n)));
  auto answers = parse_answers(encode(std::vector<JobAnswer>{
      {250, "2.0.0", "x Saved"}, {451, "4.2.0", "a\nb"}}));
  REQUIRE(answers);
  REQUIRE(answers->size() == 2);
  CHECK((*answers)[1].text == "a\nb");
  CHECK_FALSE(parse_answers("x\ty\tz\n"));
}

TEST_CASE("A large message goes to a file, byte for byte") {
  Spool spool("/tmp", 100);
  std::string all;
  for (int i = 0; i < 20000; ++i) {
    auto line = std::to_string(i) + " line\n";
    REQUIRE(spool.append(line));
    all += line;
    CHECK(spool.in_memory() == (all.size() <= 100));
  }
  REQUIRE(spool.finish());
  CHECK(spool.size() == all.size());
  CHECK(all.starts_with(spool.beginning()));
  CHECK_FALSE(spool.beginning().empty());
  std::string read(all.size() + 1, '\0');
  CHECK(::pread(spool.file(), read.data(), read.size(), 0) ==
        static_cast<ssize_t>(all.size()));
  read.resize(all.size());
  CHECK(read == all);
}

TEST_CASE("Without a place for it a large message is not taken") {
  Spool spool("/nonexistent", 10);
  REQUIRE(spool.append("0123456789"));
  CHECK_FALSE(spool.append("0123456789"));
  CHECK_FALSE(spool.finish());
}

}  // namespace
}  // namespace mail::lmtp
