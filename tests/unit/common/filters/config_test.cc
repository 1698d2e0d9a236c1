#include <catch2/catch.hpp>

#include "common/filters/filter.h"

using namespace mail;
using namespace std::chrono_literals;

TEST_CASE("filters are words, or braces with settings of their own",
          "[filters]") {
  filters::Config defaults;
  defaults.default_action = "accept";
  auto list = filters::parse_configs(
      "inet:localhost:8891, { unix:opendkim/sock, connect_timeout=10s, "
      "default_action = tempfail } { inet:h:1 command_timeout=2m }",
      defaults);
  REQUIRE(list);
  REQUIRE(list->size() == 3);
  CHECK((*list)[0].name == "inet:localhost:8891");
  CHECK((*list)[0].default_action == "accept");
  CHECK((*list)[1].name == "unix:opendkim/sock");
  CHECK((*list)[1].connect_timeout == 10s);
  CHECK((*list)[1].default_action == "tempfail");
  CHECK((*list)[2].command_timeout == 120s);
}

TEST_CASE("bad filter settings are named", "[filters]") {
  CHECK_FALSE(filters::parse_configs("{ inet:h:1 nonsense=2 }", {}));
  CHECK_FALSE(filters::parse_configs("{ inet:h:1 connect_timeout=x }", {}));
  CHECK_FALSE(filters::parse_configs("{ inet:h:1, word }", {}));
}

TEST_CASE("macro defaults have names with or without braces", "[filters]") {
  auto defaults = filters::parse_macro_defaults("a=b, {c_d}=e {f = g h}");
  REQUIRE(defaults);
  CHECK(*defaults == std::vector<std::pair<std::string, std::string>>{
                         {"a", "b"}, {"c_d", "e"}, {"f", "g h"}});
  CHECK_FALSE(filters::parse_macro_defaults("word"));
}
