#include "queue/trivial-rewrite/route.h"

#include <catch2/catch.hpp>

namespace mail::rewrite {

TEST_CASE("Addresses get their standard form", "[rewrite]") {
  StandardForm form;
  form.origin = "example.org";
  form.domain = "example.org";
  auto made = [&](std::string_view text) { return standard_form(text, form); };
  CHECK(made("") == "");
  CHECK(made("@") == "\"\"");
  CHECK(made("\"\"") == "\"\"");
  CHECK(made("\"a\"") == "a@example.org");
  CHECK(made("a b") == "\"a b\"@example.org");
  CHECK(made("a@@b") == "\"a@\"@b");
  CHECK(made("a@b..") == "a@b..");
  CHECK(made("alice") == "alice@example.org");
  CHECK(made("alice@host") == "alice@host");
  CHECK(made("alice@host.") == "alice@host");
  CHECK(made("@a,@b:alice@c.example") == "alice@c.example");
  CHECK(made("host!alice") == "alice@host");
  CHECK(made("a!b!c") == "b!c@a");
  CHECK(made("alice%host") == "alice@host");
  CHECK(made("\"a!b%c\"") == "a!b%c@example.org");
  CHECK(made("\"a@b\"@c.example") == "\"a@b\"@c.example");
  form.append_dot_domain = true;
  CHECK(made("alice@host") == "alice@host.example.org");
  CHECK(made("alice@[192.0.2.1]") == "alice@[192.0.2.1]");
  form.append_at_origin = false;
  CHECK(made("alice") == "alice");
  form.swap_bangpath = form.percent_hack = false;
  CHECK(made("a!b%c") == "a!b%c");
}

}  // namespace mail::rewrite
