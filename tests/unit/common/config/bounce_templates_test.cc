#include "common/config/postfix/bounce_templates.h"

#include <catch2/catch.hpp>

#include "tests/unit/common/config/fixture.h"

namespace mail::config {

namespace {
struct Parsed {
  std::vector<std::string> warnings;
  Result<BounceTemplates> templates;
  explicit Parsed(std::string_view text)
      : templates(parse_bounce_templates(text, "b.cf",
                                         [this](std::string_view warning) {
                                           warnings.emplace_back(warning);
                                         })) {}
};
}  // namespace

TEST_CASE("A template file replaces what it names", "[config]") {
  Parsed parsed(
      "# comment\n\nfailure_template=<<E F\nfrom:  me  \nSubject: s\n"
      "  hello $x\nE F\ndelay_template = <<EOF\nbad header\n\nhi\nEOF\n");
  REQUIRE(parsed.templates);
  CHECK(parsed.warnings.empty());
  const BounceTemplate& failure = parsed.templates->failure;
  CHECK(failure.from == "me  ");
  CHECK(failure.subject == "s");
  CHECK(failure.postmaster_subject == "Postmaster Copy: Undelivered Mail");
  CHECK(failure.text == "  hello $x\n");
  CHECK(parsed.templates->delay.text == "bad header\n\nhi\n");
  CHECK(parsed.templates->verify.subject == "Mail Delivery Status Report");
}

TEST_CASE("A template that breaks the rules is ignored", "[config]") {
  auto warning = [](std::string_view text) {
    Parsed parsed(text);
    REQUIRE(parsed.templates);
    REQUIRE_FALSE(parsed.warnings.empty());
    CHECK(parsed.templates->failure.text ==
          builtin_bounce_templates().failure.text);
    return parsed.warnings.front();
  };
  CHECK(warning("failure_template = <<EOF\nX-Foo: a\n\nhello\nEOF\n") ==
        "b.cf: unknown \"X-Foo\" header label in failure template -- ignoring "
        "this template");
  CHECK(warning("failure_template = <<EOF\nFrom: \n\nhello\nEOF\n") ==
        "b.cf: empty \"From\" header value in failure template -- ignoring "
        "this template");
  CHECK(warning("failure_template = <<EOF\nFrom: \xc3\xa9\n\nhello\nEOF\n") ==
        "b.cf: non-ASCII \"From\" header value in failure template -- "
        "ignoring this template");
  CHECK(warning("failure_template = <<EOF\nFrom: x\n\nEOF\n") ==
        "b.cf: missing message text in failure template -- ignoring this "
        "template");
  CHECK(warning("failure_template = <<EOF\n\nh\xc3\xa9llo\nEOF\n") ==
        "b.cf: 8-bit message text in failure template");
  CHECK(warning("other_template = <<EOF\nFrom: a\n\nhello $x\nEOF\n") ==
        "b.cf, line 6: unknown template name: other_template -- ignoring this "
        "template");
}

TEST_CASE("A template file with broken syntax does not load", "[config]") {
  CHECK(Parsed("foo\n").templates.error().what ==
        "b.cf, line 2: missing '=' after attribute name: \"foo\"");
  CHECK(Parsed("failure_template=<<\nx\n").templates.error().what ==
        "b.cf, line 2: missing end marker after <<");
}

TEST_CASE("Times in templates have their unit", "[config]") {
  Fixture fixture("delay_warning_time = 4h\n");
  auto settings = fixture.load();
  REQUIRE(settings);
  std::vector<std::string> warnings;
  auto warn = [&](std::string_view text) { warnings.emplace_back(text); };
  BounceTemplate bounce = builtin_bounce_templates().failure;
  bounce.text =
      "$delay_warning_time_hours ${maximal_queue_lifetime_days} "
      "$maximal_queue_lifetime_weeks $myhostname $$x\n";
  auto text = expand_bounce_text(bounce, "b.cf", **settings, warn);
  REQUIRE(text);
  CHECK(*text == "4 5 0 mx.example.org $x\n");
  REQUIRE(warnings.size() == 3);
  CHECK(warnings[0] ==
        "b.cf: zero result in failure template conversion of parameter "
        "\"maximal_queue_lifetime_weeks\"");
  bounce.text = "$delay_warning_time_years";
  CHECK(expand_bounce_text(bounce, "b.cf", **settings, warn).error().what ==
        "b.cf: unrecognized suffix \"years\" in parameter "
        "\"delay_warning_time_years\"");
  bounce.text = "fine\na $nosuch\n";
  CHECK(expand_bounce_text(bounce, "b.cf", **settings, warn).error().what ==
        "b.cf: undefined $name in failure template: a $nosuch");
  bounce.text = "${x\n";
  CHECK(expand_bounce_text(bounce, "b.cf", **settings, warn).error().what ==
        "b.cf: bad $name syntax in failure template: ${x");
}

}  // namespace mail::config
