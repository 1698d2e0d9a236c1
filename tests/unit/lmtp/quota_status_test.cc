#include <catch2/catch.hpp>

#include "lmtp/quota-status/request.h"

namespace mail::quota_status {

TEST_CASE("a policy request ends with an empty line", "[quota-status]") {
  const std::string_view text =
      "request=smtpd_access_policy\nrecipient=a@b.example\nsize=12\n\nrest";
  size_t used = 0;
  for (size_t i = 0; i + 5 < text.size(); ++i) {
    CHECK_FALSE(take_request(text.substr(0, i), used));
  }
  auto request = take_request(text, used);
  REQUIRE(request);
  CHECK(request->recipient == "a@b.example");
  CHECK(request->size == 12);
  CHECK(text.substr(used) == "rest");
  CHECK(take_request("size=x\n\n", used)->size == 0);
}

TEST_CASE("an address is looked up without its detail", "[quota-status]") {
  CHECK(without_detail("bob+box@d", "+") == "bob@d");
  CHECK(without_detail("bob-a+b", "+-") == "bob");
  CHECK(without_detail("+bob@d", "+") == "+bob@d");
  CHECK(without_detail("bob@a+b", "+") == "bob@a+b");
  CHECK(without_detail("bob+box@d", "") == "bob+box@d");
}

TEST_CASE("what the two parts say to each other survives", "[quota-status]") {
  Question question;
  question.user = "a\tb";
  question.fields.set("quota_rule", "*:bytes=1");
  question.size = 7;
  auto again = parse_question(encode(question));
  REQUIRE(again);
  CHECK(again->user == "a\tb");
  CHECK(again->fields.get("quota_rule") == "*:bytes=1");
  CHECK(again->size == 7);
  auto verdict = parse_verdict(encode({Verdict::Kind::Full, "x\ny"}));
  REQUIRE(verdict);
  CHECK(verdict->kind == Verdict::Kind::Full);
  CHECK(verdict->text == "x\ny");
  for (auto text : {"", "1", "9\tx", "-1\tx", "1\tx\ty"}) {
    CHECK_FALSE(parse_verdict(text));
  }
}

}  // namespace mail::quota_status
