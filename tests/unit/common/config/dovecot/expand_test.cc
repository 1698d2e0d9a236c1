#include <catch2/catch.hpp>

#include "common/config/dovecot/expand_variables.h"

using namespace mail::config::dovecot;

namespace {

Variables bob() {
  Variables variables;
  variables.list = {{'u', "user", "bob@example.com"},
                    {'n', "username", "bob"},
                    {'d', "domain", "example.com"},
                    {'i', "uid", "1000"}};
  variables.resolve =
      [](std::string_view function,
         std::string_view argument) -> std::optional<std::string> {
    if (function != "passdb") return std::nullopt;
    return "field " + std::string(argument);
  };
  return variables;
}

std::string expanded(std::string_view text) {
  auto result = expand_variables(text, bob());
  CHECK(result.problem.empty());
  return result.text;
}

}  // namespace

TEST_CASE("Variables are expanded as the original does", "[dovecot]") {
  // All observed on Dovecot 2.3.19.1.
  auto [text, wanted] = GENERATE(table<std::string, std::string>({
      {"%u/%n/%d/%%", "bob@example.com/bob/example.com/%"},
      {"%1n", "b"},
      {"%2.3n", "b"},
      {"%1.3n", "ob"},
      {"%0.2n", "bo"},
      {"%-2n", "bo"},
      {"%-2.1n", "o"},
      {"%1Rn", "b"},
      {"%5Lu", "bob@e"},
      {"%0.-2n", "b"},
      {"%1.-1u", "ob@example.co"},
      {"%-3.-1u", "co"},
      {"%-3.2u", "co"},
      {"%-100u", "bob@example.com"},
      {"%20.5u", ""},
      {"%Mu", "4b9bb80620f03eb3719e0a061c14283d"},
      {"%2.4Mn", "9d51"},
      {"%Hu", "14cc74d"},
      {"%2Hu", "1"},
      {"%256Hu", "4d"},
      {"%HHu", "4a96a94"},
      {"%Nu", "20f03eb3"},
      {"%16Nu", "3"},
      {"%2.256Nu", "b3"},
      {"%2.16Nu", "03"},
      {"%100Nu", "2b"},
      {"%8.256Nu", "000000b3"},
      {"%3.10Hu", "003"},
      {"%4.300Hn", "0106"},
      {"%Xi", "3e8"},
      {"%08Xi", "000003e8"},
      {"%020u", "00000bob@example.com"},
      {"%Dd", "example,dc=com"},
      {"%{user}", "bob@example.com"},
      {"%1U{user}", "B"},
      {"%{passdb:home}", "field home"},
      {"%{if;%u;eq;bob@example.com;yes;no}", "yes"},
      {"%{if;%n;~;b.b;yes;no}", "yes"},
      {"%{if;%n;!*;b*b;yes;no}", "no"},
      {"%{if;5;<;10;yes;no}", "yes"},
      {"%{if;a;lt;b;yes;no}", "yes"},
      {"%{if;%{user};eq;bob@example.com;a\\;b;c}", "a;b"},
      {"%{if;x;eq;x;%{if;1;==;1;in;out};z}", "in"},
      {"%{sha1:user}", "a460e37bf4d8e893f8fd39536997d5da8d21eebe"},
      {"%{sha512;rounds=2,truncate=32:user}", "741d140b"},
      {"%{sha256;truncate=17:user}", "00bff0"},
      {"%{sha1;truncate=24,format=base64:user}", "pGDj"},
      {"%{sha1;truncate=24,salt=x:user}", "fc4d62"},
      {"%{sha1;salt=x,truncate=24:user}",
       "fc4d629bff0d013ea60aeafdfec5108f3bba3c04"},
  }));
  CHECK(expanded(text) == wanted);
}

TEST_CASE("What cannot be expanded is named", "[dovecot]") {
  auto problem = [](std::string_view text) {
    return expand_variables(text, bob()).problem;
  };
  CHECK(problem("%Q") == "Unknown variable '%Q'");
  CHECK(problem("%{foo}") == "Unknown variable '%foo'");
  CHECK(problem("%{hash;x:user}") == "Unknown variable '%hash;x'");
  CHECK(problem("%{user") == "Unknown variable '%{'");
  CHECK(problem("%{if;x;bogus;x;a;b}") == "if: Unsupported comparator 'bogus'");
  CHECK(problem("%{if;x;==;1;a;b}") == "if: x (lhs) is not a number");
  CHECK_FALSE(expand_variables_strictly("%Q", bob()));
}

TEST_CASE("Values are escaped before modifiers", "[dovecot]") {
  auto variables = bob();
  variables.escape = [](std::string_view text) {
    return "<" + std::string(text) + ">";
  };
  CHECK(expand_variables("%Un", variables).text == "<BOB>");
}

TEST_CASE("A text's variables can be told", "[dovecot]") {
  CHECK(has_variable("a/%Lu", 'u', "user"));
  CHECK(has_variable("a/%{user}", 'u', "user"));
  CHECK(has_variable("a/%{sha1:user}", 'u', "user"));
  CHECK_FALSE(has_variable("a/%n%%u", 'u', "user"));
}
