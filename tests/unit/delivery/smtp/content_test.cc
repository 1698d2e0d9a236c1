#include "delivery/smtp/content.h"

#include <catch2/catch.hpp>

#include "common/net/loop.h"
#include "tests/unit/common/config/fixture.h"

using namespace mail;
using smtpc::act_on_check;

namespace {

constexpr std::string_view kTitle = "smtp_header_checks";

smtpc::Checks::Verdict act(std::string_view value,
                           std::string_view what = "header") {
  return act_on_check(value, what, "Subject: x", "ID", kTitle);
}

/// A process with these main.cf lines.
std::unique_ptr<smtpc::Config> configured(const std::string& main_cf) {
  config::Fixture fixture(main_cf);
  auto config = std::make_unique<smtpc::Config>();
  auto loaded = fixture.load();
  REQUIRE(loaded);
  config->settings = *loaded;
  auto checks = smtpc::Checks::open(*config->settings, smtpc::ClientMode::Smtp,
                                    maps::OpenOptions{});
  REQUIRE(checks);
  config->checks = std::move(*checks);
  return config;
}

net::Task<bool> write(smtpc::ContentWriter* writer, smtp::ClientEngine* engine,
                      std::vector<std::string> lines) {
  for (auto& text : lines) {
    if (writer->passes_through()) {
      engine->body_line(text, true);
      continue;
    }
    auto done = co_await writer->line(std::move(text), true);
    if (!done) co_return false;
  }
  auto done = co_await writer->finish();
  co_return done.has_value();
}

std::string sent(const std::string& main_cf, std::vector<std::string> lines,
                 bool downgrade = false) {
  net::Loop loop;
  auto config = configured(main_cf);
  smtp::ClientEngine engine({});
  smtpc::ContentWriter writer(*config, engine, "ID", downgrade);
  bool fine = loop.run(write(&writer, &engine, std::move(lines)));
  return fine ? std::string(engine.pending()) : "failed";
}

}  // namespace

TEST_CASE("checks of leaving mail act by their first word", "[smtpc]") {
  CHECK(act("IGNORE").drop);
  CHECK(act("strip why").drop);
  CHECK(act("PREPEND X: y").before == "X: y");
  CHECK(act("replace  Subject: z ").replacement == "Subject: z");
  for (auto value : {"DUNNO", "OK", "WARN", "INFO text"}) {
    auto verdict = act(value);
    CHECK_FALSE(verdict.drop);
    CHECK_FALSE(verdict.replacement);
    CHECK_FALSE(verdict.before);
  }
}

TEST_CASE("what leaving mail cannot obey changes nothing", "[smtpc]") {
  for (auto value : {"REJECT no", "HOLD", "DISCARD", "FILTER smtp:x",
                     "REDIRECT a@b", "BCC a@b", "PASS", "REPLACE", "PREPEND",
                     "REPLACE no colon", "PREPEND none either", "", "?"}) {
    CAPTURE(value);
    auto verdict = act(value);
    CHECK_FALSE(verdict.drop);
    CHECK_FALSE(verdict.replacement);
    CHECK_FALSE(verdict.before);
  }
  CHECK(act("REPLACE no colon", "body").replacement == "no colon");
}

TEST_CASE("a message without checks passes through", "[smtpc]") {
  net::Loop loop;
  auto config = configured("");
  smtp::ClientEngine engine({});
  smtpc::ContentWriter writer(*config, engine, "ID", false);
  CHECK(writer.passes_through());
}

TEST_CASE("headers and body lines are checked where they stand", "[smtpc]") {
  std::string checks =
      "smtp_header_checks = inline:{ {subject: s = REPLACE Subject: t} "
      "{x-a: 1 = IGNORE} }\n"
      "smtp_body_checks = inline:{ {hello = PREPEND before} }\n";
  CHECK(sent(checks,
             {"Subject: s", "X-A: 1", "X-B: 1", "", "hello", "Subject: s"}) ==
        "Subject: t\r\nX-B: 1\r\n\r\nbefore\r\nhello\r\nSubject: s\r\n");
  CHECK(sent(checks, {"Subject: s"}) == "Subject: t\r\n");
}

TEST_CASE("with header checks alone the body passes through", "[smtpc]") {
  net::Loop loop;
  auto config = configured("smtp_header_checks = inline:{ {a: b = IGNORE} }\n");
  smtp::ClientEngine engine({});
  smtpc::ContentWriter writer(*config, engine, "ID", false);
  CHECK_FALSE(writer.passes_through());
  CHECK(loop.run(write(&writer, &engine, {"A: b", "C: d", "", "A: b"})));
  CHECK(writer.passes_through());
  CHECK(engine.pending() == "C: d\r\n\r\nA: b\r\n");
}

TEST_CASE("a table that fails stops the message", "[smtpc]") {
  CHECK(sent("smtp_header_checks = hash:/nonexistent/x\n", {"A: b"}) ==
        "failed");
  CHECK(sent("smtp_body_checks = hash:/nonexistent/x\n", {"A: b", "", "x"}) ==
        "failed");
}

TEST_CASE("8-bit text is encoded when it must be", "[smtpc]") {
  CHECK(sent("", {"Content-Transfer-Encoding: 8bit", "", "\xe9"}, true) ==
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n");
}
