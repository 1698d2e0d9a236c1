#include "delivery/pipe/options.h"

#include <catch2/catch.hpp>

using namespace mail;
using pipe::Options;
using Words = std::vector<std::string>;

namespace {

delivery::Request request_to(const Words& recipients) {
  delivery::Request out;
  out.sender = "a b@example.org";
  out.nexthop = "Hop";
  out.data_size = 321;
  for (const auto& address : recipients) {
    out.recipients.emplace_back().recipient = address;
  }
  return out;
}

Words expand(const Options& options, const delivery::Request& request) {
  auto argv = pipe::expand_argv(options, request, "+");
  REQUIRE(argv);
  return *argv;
}

}  // namespace

TEST_CASE("the master.cf line gives the options") {
  auto options = pipe::parse_options(
      {"flags=DRhu.", "user=vmail:mail", "eol=\\r\\n\\101\\\\", "size=10",
       "null_sender=", "argv=/bin/x", "-f", "user=$user"});
  REQUIRE(options);
  CHECK(options->delivered_to);
  CHECK(options->stuff_dots);
  CHECK_FALSE(options->quote_from);
  CHECK(options->user == "vmail:mail");
  CHECK(options->newline == "\r\nA\\");
  CHECK(options->size_limit == 10);
  CHECK(options->null_sender.empty());
  CHECK(options->argv == Words{"/bin/x", "-f", "user=$user"});
}

TEST_CASE("a wrong master.cf line is refused") {
  auto error = [](const Words& arguments) {
    auto options = pipe::parse_options(arguments);
    return options ? "" : options.error().what;
  };
  CHECK(error({"argv=x"}) == "missing user= command-line attribute");
  CHECK(error({"user=x"}) == "missing argv= command-line attribute");
  CHECK(error({"flags=Z", "user=x", "argv=x"}) == "unknown flag: Z (ignored)");
  CHECK(error({"user=x", "size=1k", "argv=x"}) == "bad size= value: 1k");
  CHECK(error({"user=x", "color=red", "argv=x"}) ==
        "unknown attribute name: color=red");
}

TEST_CASE("arguments about recipients are repeated") {
  Options options;
  options.argv = {"x", "-f", "$sender", "<${recipient}>", "$user/$extension"};
  auto argv = expand(options, request_to({"A+B@C.Org", "d@e"}));
  CHECK(argv == Words{"x", "-f", "a b@example.org", "<A+B@C.Org>", "<d@e>",
                      "A/B", "d/"});
  options.argv = {"$extension"};
  CHECK(expand(options, request_to({"d@e"})) == Words{""});
}

TEST_CASE("flags fold and quote addresses") {
  Options options;
  options.fold_user = options.quote_addresses = true;
  options.argv = {"$sender", "$recipient", "$nexthop", "$mailbox", "$domain"};
  auto request = request_to({"X Y@C.Org"});
  CHECK(expand(options, request) ==
        Words{"\"a b\"@example.org", "\"x y\"@C.Org", "Hop", "x y", "C.Org"});
  options.fold_user = options.quote_addresses = false;
  options.fold_domain = true;
  request.sender.clear();
  CHECK(expand(options, request) ==
        Words{"MAILER-DAEMON", "X Y@c.org", "hop", "X Y", "c.org"});
}

TEST_CASE("an unknown macro is an error") {
  Options options;
  options.argv = {"$sneder"};
  auto argv = pipe::expand_argv(options, request_to({"a@b"}), "");
  REQUIRE_FALSE(argv);
  CHECK(argv.error().what == "unknown macro name: \"sneder\"");
}
