#include "smtpd/footer.h"

#include <catch2/catch.hpp>

using namespace mail;

namespace {

std::string footer(std::string_view text) {
  auto lookup = [](std::string_view name) -> std::optional<std::string> {
    if (name == "client") return "h[192.0.2.1]";
    if (name == "helo_name") return "a;b\n5.1.1";
    return std::nullopt;
  };
  auto reply = smtpd::add_footer(smtp::Reply(550, "5.1.1", "No"), text, lookup,
                                 "abcdefghijklmnopqrstuvwxyz0123456789[].");
  if (!reply) return "error";
  std::string wire;
  reply->append_to(wire);
  return wire;
}

}  // namespace

TEST_CASE("a footer stands under the refusal", "[smtpd]") {
  CHECK(footer("Call us") == "550-5.1.1 No\r\n550 5.1.1 Call us\r\n");
  CHECK(footer("one\\ntwo") ==
        "550-5.1.1 No\r\n550-5.1.1 one\r\n550 5.1.1 two\r\n");
  CHECK(footer("\\c. Call us") == "550 5.1.1 No. Call us\r\n");
}

TEST_CASE("a footer knows the session, and lets nothing through", "[smtpd]") {
  CHECK(footer("$client ${sender}$$5") ==
        "550-5.1.1 No\r\n550 5.1.1 h[192.0.2.1] $5\r\n");
  CHECK(footer("$helo_name") == "550-5.1.1 No\r\n550 5.1.1 a_b_5.1.1\r\n");
  CHECK(footer("${open") == "error");
}
