// Search queries of the command line.
#include <catch2/catch.hpp>

#include "tools/doveadm/mail/query.h"
#include "tools/doveadm/mail/query_values.h"

using namespace mail;
using doveadm::Query;

namespace {

constexpr int64_t kNow = 1600000000;

Query good(std::vector<std::string> words) {
  auto query = Query::parse(words, kNow);
  REQUIRE(query);
  return *query;
}

std::string why(std::vector<std::string> words) {
  auto query = Query::parse(words, kNow);
  return query ? "" : query.error().what;
}

}  // namespace

TEST_CASE("a query that is wrong is told in the original's words", "[query]") {
  CHECK(why({"foo"}) == "Unknown argument FOO");
  CHECK(why({"subject"}) ==
        "Missing parameter for search key (for search key: SUBJECT)");
  CHECK(why({"(", "seen"}) == "Missing ')'");
  CHECK(why({")"}) == "Unexpected ')'");
  CHECK(why({"seen", "or"}) == "Missing argument");
  CHECK(why({"not"}) == "Missing argument");
  CHECK(why({"seen", "flagged", "or", "draft"}) ==
        "Use parenthesis when mixing ANDs and ORs");
  CHECK(why({"or", "seen", "flagged"}) ==
        "Use parenthesis when mixing ANDs and ORs");
  CHECK(why({"before", "foo"}) == "Invalid search date parameter: foo");
  CHECK(why({"larger", "1x"}) == "Invalid size: 1x");
  CHECK(why({"(", "seen", "flagged", ")", "or", "draft"}).empty());
  std::vector<std::string> deep(300, "(");
  CHECK(why(deep) == "Too deep search");
}

TEST_CASE("where a query looks", "[query]") {
  using Names = std::vector<std::string>;
  CHECK(good({"seen"}).mailboxes() == std::nullopt);
  CHECK(good({"mailbox", "a*", "seen"}).mailboxes() == Names{"a*"});
  CHECK(good({"mailbox", "a", "or", "mailbox", "b"}).mailboxes() ==
        Names{"a", "b"});
  CHECK(good({"mailbox", "a", "or", "seen"}).mailboxes() == std::nullopt);
  CHECK(good({"not", "mailbox", "a"}).mailboxes() == std::nullopt);
}

TEST_CASE("what protects from accidents", "[query]") {
  CHECK(good({"mailbox", "a", "all"}).always_says_mailbox());
  CHECK(good({"mailbox", "a", "all"}).always_says_more());
  CHECK_FALSE(good({"mailbox", "a"}).always_says_more());
  CHECK_FALSE(good({"all"}).always_says_mailbox());
  CHECK_FALSE(good({"not", "mailbox", "a"}).always_says_mailbox());
  CHECK_FALSE(
      good({"mailbox", "a", "not", "mailbox", "b"}).always_says_more());
  auto half = good({"(", "mailbox", "a", "seen", ")", "or", "mailbox", "b"});
  CHECK(half.always_says_mailbox());
  CHECK_FALSE(half.always_says_more());
}

TEST_CASE("dates and sizes of the command line", "[query]") {
  using doveadm::query_date;
  CHECK(query_date("2020-09-14", kNow) == "14-Sep-2020");
  CHECK(query_date("2026-13-01", kNow) == "1-Jan-2027");
  CHECK(query_date("14-Sep-2020", kNow) == "14-Sep-2020");
  CHECK(query_date("1600000001", kNow) == "1600000001");
  CHECK(query_date("1w", kNow) == "1599395200");
  CHECK(query_date("2 hours", kNow) == "1599992800");
  CHECK_FALSE(query_date("5foo", kNow));
  CHECK_FALSE(query_date("w", kNow));
  CHECK_FALSE(query_date("99999999999999999w", kNow));
  CHECK(doveadm::query_size("1k") == "1024");
  CHECK(doveadm::query_size("200B") == "200");
  CHECK(doveadm::query_size("2M") == "2097152");
  CHECK_FALSE(doveadm::query_size("0.5M"));
  CHECK_FALSE(doveadm::query_size("99999999999T"));
  CHECK_FALSE(doveadm::query_size(""));
}
