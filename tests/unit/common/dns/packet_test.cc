#include "common/dns/packet.h"

#include <catch2/catch.hpp>
#include <cerrno>

#include "tests/support/fake_dns.h"

using namespace mail;
using namespace mail::dns;
using test::DnsReply;

namespace {
test::DnsQuery query_for(const Question& question) {
  auto bytes = encode_query(question);
  REQUIRE(bytes);
  auto query = test::DnsQuery::parse(*bytes);
  REQUIRE(query);
  return *query;
}
Question mx_question() { return {"Example.org", Type::MX, 4711, true, false}; }
}  // namespace

TEST_CASE("a query asks what it was told to", "[dns]") {
  auto query = query_for(mx_question());
  CHECK(query.id == 4711);
  CHECK(query.name == "example.org");
  CHECK(query.type == Type::MX);
  CHECK(query.edns);
  CHECK_FALSE(query.dnssec);
  CHECK(query_for({"x.", Type::A, 1, true, true}).dnssec);
  CHECK_FALSE(query_for({"x.", Type::A, 1, false, false}).edns);
  CHECK(query_for({"", Type::NS, 1, false, false}).name.empty());
}

TEST_CASE("what is no domain name is not asked", "[dns]") {
  CHECK_FALSE(encode_query({"a..b", Type::A}));
  CHECK_FALSE(encode_query({".a", Type::A}));
  CHECK_FALSE(encode_query({std::string(64, 'a'), Type::A}));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  CHECK(encode_query({longest + "b", Type::A}));
  CHECK_FALSE(encode_query({longest + "bb", Type::A}));
}

TEST_CASE("records of each type are read", "[dns]") {
  auto question = mx_question();
  auto query = query_for(question);
  auto reply = parse_reply(
      DnsReply(query)
          .answer("example.org", Type::MX, 300, test::dns_mx(20, "b.example"))
          .answer("example.ORG", Type::MX, 200, test::dns_mx(10, "a.example"))
          .answer("other.org", Type::MX, 1, test::dns_mx(10, "evil.example"))
          .bytes(),
      question);
  REQUIRE(reply);
  CHECK(reply->answer.found());
  CHECK(reply->answer.ttl == 200);
  REQUIRE(reply->answer.records.size() == 2);
  CHECK(reply->answer.records[0].target == "b.example");
  CHECK(reply->answer.records[1].preference == 10);

  question.type = Type::TXT;
  query = query_for(question);
  reply = parse_reply(DnsReply(query)
                          .answer("example.org", Type::TXT, 5,
                                  test::dns_txt({"v=DKIM1; p=ab", "cd", ""}))
                          .authenticated()
                          .bytes(),
                      question);
  REQUIRE(reply);
  CHECK(reply->answer.records.at(0).data == "v=DKIM1; p=abcd");
  CHECK(reply->answer.authenticated);

  question.type = Type::TLSA;
  query = query_for(question);
  reply = parse_reply(
      DnsReply(query)
          .answer("example.org", Type::TLSA, 5, std::string("\3\1\1hash", 7))
          .bytes(),
      question);
  REQUIRE(reply);
  CHECK(reply->answer.records.at(0).usage == 3);
  CHECK(reply->answer.records.at(0).data == "hash");
}

TEST_CASE("aliases are followed within a reply, and out of it", "[dns]") {
  Question question{"www.example", Type::A, 7, true, false};
  auto query = query_for(question);
  DnsReply builder(query);
  builder.answer("www.example", Type::CNAME, 50, test::dns_name("a.example"));
  auto outside = parse_reply(builder.bytes(), question);
  REQUIRE(outside);
  CHECK(outside->answer.found());
  CHECK(outside->answer.records.empty());
  CHECK(outside->answer.canonical == "a.example");
  builder.answer("a.example", Type::A, 90, test::dns_a("192.0.2.1"));
  auto inside = parse_reply(builder.bytes(), question);
  REQUIRE(inside);
  CHECK(inside->answer.records.at(0).address.text() == "192.0.2.1");
  CHECK(inside->answer.ttl == 50);
}

TEST_CASE("no such name, no data and failure are told apart", "[dns]") {
  auto question = mx_question();
  auto query = query_for(question);
  auto none = parse_reply(DnsReply(query).rcode(3).soa(60).bytes(), question);
  REQUIRE(none);
  CHECK(none->answer.status == Status::NotFound);
  CHECK(none->answer.ttl == 60);
  auto empty = parse_reply(DnsReply(query).bytes(), question);
  REQUIRE(empty);
  CHECK(empty->answer.status == Status::NoData);
  auto failed = parse_reply(DnsReply(query).rcode(2).bytes(), question);
  REQUIRE(failed);
  CHECK(failed->code == Reply::Code::ServerFailure);
}

TEST_CASE("replies to something else are not taken", "[dns]") {
  auto question = mx_question();
  auto query = query_for(question);
  CHECK_FALSE(parse_reply(DnsReply(query).id(1).bytes(), question));
  auto other = question;
  other.name = "example.net";
  CHECK_FALSE(parse_reply(DnsReply(query).bytes(), other));
  other = question;
  other.type = Type::A;
  CHECK_FALSE(parse_reply(DnsReply(query).bytes(), other));
  auto asked = encode_query(question);
  CHECK_FALSE(parse_reply(*asked, question));  // our own query, reflected
}

TEST_CASE("names that cannot be hosts are dropped with a warning", "[dns]") {
  auto question = mx_question();
  auto query = query_for(question);
  auto reply = parse_reply(
      DnsReply(query)
          .answer("example.org", Type::MX, 300, test::dns_mx(5, "a b.example"))
          .answer("example.org", Type::MX, 300, test::dns_mx(6, "192.0.2.7"))
          .bytes(),
      question);
  REQUIRE(reply);
  CHECK(reply->answer.records.size() == 1);
  CHECK(reply->answer.warnings ==
        std::vector<std::string>{
            "malformed domain name in resource data of MX record for "
            "Example.org: a\\032b.example",
            "numeric domain name in resource data of MX record for "
            "Example.org: 192.0.2.7"});
  reply = parse_reply(
      DnsReply(query)
          .answer("example.org", Type::MX, 300, test::dns_mx(5, "-a.example"))
          .bytes(),
      question);
  REQUIRE(reply);
  CHECK(reply->answer.status == Status::Malformed);
  CHECK(reply->answer.error_text() ==
        "Name service error for name=Example.org type=MX: Malformed or "
        "unexpected name server reply");
}

TEST_CASE("a reply cut anywhere is refused or called truncated", "[dns]") {
  auto question = mx_question();
  auto query = query_for(question);
  std::string whole =
      DnsReply(query)
          .answer("example.org", Type::MX, 300, test::dns_mx(20, "b.example"))
          .soa(60)
          .bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    auto reply = parse_reply(whole.substr(0, size), question);
    CHECK_FALSE(reply);
    if (size >= 12) CHECK(reply.error().sys == EBADMSG);
  }
  std::string cut = DnsReply(query).truncated().bytes();
  CHECK(parse_reply(cut, question)->truncated);
}

TEST_CASE("host names are told from other names", "[dns]") {
  CHECK(is_host_name("mx_1.example"));
  CHECK(is_host_name("1.2.3.example"));
  CHECK_FALSE(is_host_name("192.0.2.1"));
  CHECK_FALSE(is_host_name("a..b"));
  CHECK_FALSE(is_host_name("a-.b"));
  CHECK_FALSE(is_host_name("a b"));
  CHECK_FALSE(is_host_name(""));
}
