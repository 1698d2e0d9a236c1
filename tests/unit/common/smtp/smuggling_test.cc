// SMTP smuggling: which line ends end a message (CVE-2023-51764), by
// smtpd_forbid_bare_newline. "--" marks the end of a message.
#include <catch2/catch.hpp>

#include "tests/unit/common/smtp/server_driver.h"

using namespace mail::smtp;

namespace {

struct Row {
  std::string data;  // after "a", up to what would be the smuggled "b"
  std::string allow, normalize;
  bool bare;  // mode Reject refuses the message
};

std::string content(const std::string& data, BareNewline mode, size_t step) {
  ServerLimits limits;
  limits.bare_newline = mode;
  limits.host = "host";
  ServerDriver driver(limits);
  driver.feed("EHLO c\r\n");
  driver.feed("MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n");
  for (size_t at = 0; at < data.size(); at += step) {
    driver.feed(std::string_view(data).substr(at, step));
  }
  if (mode == BareNewline::Reject) {
    return driver.output.find("bare <LF>") == std::string::npos ? "" : "bare";
  }
  return driver.body;
}

}  // namespace

TEST_CASE("Only what must end a message ends it", "[smtp]") {
  std::string rest = "b\r\n.\r\n";
  for (const Row& row : {
           Row{"\r\n.\r\n", "a\n--\n", "a\n--\n", false},
           {"\n.\n", "a\n--\n", "a\nb\n--\n", true},
           {"\n.\r\n", "a\n--\n", "a\nb\n--\n", true},
           {"\r\n.\n", "a\n--\n", "a\nb\n--\n", true},
           {"\r.\r\n", "a\r.\nb\n--\n", "a\r.\nb\n--\n", false},
           {"\r.\r", "a\r.\rb\n--\n", "a\r.\rb\n--\n", false},
           {"\r\n.\r", "a\n\rb\n--\n", "a\n\rb\n--\n", false},
           {"\r\r\n.\r\n", "a\n--\n", "a\r\n--\n", false},
           {"\r\n.\r\r\n", "a\n--\n", "a\n\r\nb\n--\n", false},
           {"\n.\r\r\n", "a\n--\n", "a\n\r\nb\n--\n", true},
           {"\r\n..\r\n", "a\n.\nb\n--\n", "a\n.\nb\n--\n", false},
       }) {
    std::string data = "a" + row.data + rest;
    CAPTURE(data);
    for (size_t step : {size_t{1}, size_t{2}, size_t{3}, data.size()}) {
      std::string allow = content(data, BareNewline::Allow, step);
      CHECK(allow.substr(0, row.allow.size()) == row.allow);
      CHECK(content(data, BareNewline::Normalize, step)
                .substr(0, row.normalize.size()) == row.normalize);
      CHECK(content(data, BareNewline::Reject, step) ==
            (row.bare ? "bare" : ""));
    }
  }
}

TEST_CASE("A command with a bare newline", "[smtp]") {
  ServerLimits limits;
  limits.host = "host";
  ServerDriver loose(limits);
  loose.feed("EHLO c\nNOOP\r\r\n");
  CHECK(loose.output == "220 host ESMTP\r\n250 host\r\n250 2.0.0 Ok\r\n");
  limits.bare_newline = BareNewline::Reject;
  ServerDriver strict(limits);
  strict.feed("EHLO c\nNOOP\r\n");
  CHECK(strict.output ==
        "220 host ESMTP\r\n550 5.5.2 host Error: bare <LF> received\r\n");
  CHECK(strict.engine.closed());
}

TEST_CASE("An empty message", "[smtp]") {
  for (auto mode : {BareNewline::Allow, BareNewline::Normalize}) {
    CHECK(content(".\r\n", mode, 9) == "--\n");
  }
}
