#include <catch2/catch.hpp>
#include <vector>

#include "submission/postdrop/drop.h"
#include "submission/postdrop/sender.h"

using namespace mail;
using queuefile::Record;
using queuefile::Type;

namespace {

struct Drop {
  std::vector<std::string> warnings;
  std::string out;
  postdrop::Checker checker{
      [this](std::string_view text) { warnings.emplace_back(text); }};
  Result<> take(Type type, std::string_view data = "") {
    return checker.take({type, data}, out);
  }
};

}  // namespace

TEST_CASE("a whole submission passes, but for its own time", "[postdrop]") {
  Drop drop;
  CHECK(drop.take(Type::Time, "1 2"));
  CHECK(drop.out.empty());
  CHECK(drop.take(Type::Attribute, "rewrite_context=local"));
  CHECK(drop.take(Type::Sender, "a@b"));
  CHECK(drop.take(Type::Recipient, "c@d"));
  CHECK(drop.take(Type::Message));
  CHECK(drop.take(Type::Text, "Subject: x"));
  CHECK(drop.take(Type::Extracted));
  CHECK(drop.take(Type::Recipient, "e@f"));
  CHECK_FALSE(drop.checker.finished());
  CHECK(drop.take(Type::End));
  CHECK(drop.checker.finished());
  CHECK(drop.checker.has_sender());
  CHECK(drop.checker.has_recipient());
  CHECK(drop.warnings.empty());
}

TEST_CASE("users cannot slip in what only the mail system may say",
          "[postdrop]") {
  for (Type type : {Type::Filter, Type::Redirect, Type::Size, Type::Pointer,
                    Type::Text, Type::End}) {
    Drop drop;
    auto taken = drop.take(type, "x");
    REQUIRE_FALSE(taken);
    CHECK(taken.error().what ==
          "unexpected record type: " + std::to_string(static_cast<int>(type)));
  }
}

TEST_CASE("attributes that are not for users are dropped with a warning",
          "[postdrop]") {
  Drop drop;
  CHECK(drop.take(Type::Attribute, "sasl_username=root"));
  CHECK(drop.take(Type::Attribute, "encoding=binary"));
  CHECK(drop.take(Type::Attribute, "rewrite_context=any"));
  CHECK(drop.take(Type::Attribute, "nothing"));
  CHECK(drop.out.empty());
  CHECK(drop.warnings.size() == 4);
  CHECK(drop.warnings[0] == "ignoring attribute record: sasl_username=root");
  CHECK(drop.take(Type::Attribute, "encoding=8bit"));
  CHECK(drop.out ==
        "A\x0d"
        "encoding=8bit");
}

TEST_CASE("a user sends as those that a table names", "[postdrop]") {
  auto allows = [](std::string_view patterns, std::string_view sender) {
    return postdrop::allows_sender(patterns, sender, "<>", "+");
  };
  constexpr std::string_view kAlice = "alice, alice@example.com @alice.example";
  CHECK(allows(kAlice, "alice"));
  CHECK(allows(kAlice, "ALICE+ext"));
  CHECK(allows(kAlice, "Alice+x@EXAMPLE.com"));
  CHECK(allows(kAlice, "any@alice.example"));
  CHECK_FALSE(allows(kAlice, "any@sub.alice.example"));
  CHECK_FALSE(allows(kAlice, "alice@elsewhere.example"));
  CHECK_FALSE(allows(kAlice, ""));
  CHECK(allows("bob <>", ""));
  CHECK_FALSE(allows("<>", "bob"));
  CHECK(allows("*", ""));
  CHECK(allows("x *", "any@where"));
  CHECK_FALSE(allows("", "x"));
  CHECK(postdrop::allows_sender("null", "", "null", "+"));
}
