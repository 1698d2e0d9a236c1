#include "common/smtp/server_engine.h"

#include <catch2/catch.hpp>

#include "tests/unit/common/smtp/server_driver.h"

using namespace mail::smtp;

namespace {

constexpr std::string_view kStart =
    "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\n";

struct Outcome {
  std::string output, body;
  std::vector<std::string> events;
  bool operator==(const Outcome&) const = default;
};

/// Feeds `input` in pieces of `step`, or in two cut at `cut`.
Outcome run(std::string_view input, size_t step, const ServerLimits& limits) {
  ServerDriver driver(limits);
  driver.lmtp = limits.protocol == Protocol::Lmtp;
  for (size_t at = 0; at < input.size(); at += step) {
    driver.feed(input.substr(at, step));
  }
  return {driver.output, driver.body, driver.events};
}

/// The same result however the input is cut.
Outcome run_all(std::string_view input, const ServerLimits& limits = {}) {
  Outcome whole = run(input, input.size() + 1, limits);
  CHECK(run(input, 1, limits) == whole);
  for (size_t cut = 1; cut < input.size(); ++cut) {
    ServerDriver driver(limits);
    driver.lmtp = limits.protocol == Protocol::Lmtp;
    driver.feed(input.substr(0, cut));
    driver.feed(input.substr(cut));
    if (Outcome{driver.output, driver.body, driver.events} == whole) continue;
    CAPTURE(cut, driver.output, driver.body);
    FAIL("the cut changes the output");
  }
  return whole;
}

std::string content(std::string_view data, const ServerLimits& limits = {}) {
  return run_all(std::string(kStart) + "DATA\r\n" + std::string(data), limits)
      .body;
}

std::string last_line(const std::string& output) {
  size_t end = output.rfind("\r\n", output.size() - 3);
  return output.substr(end + 2, output.size() - end - 4);
}

}  // namespace

TEST_CASE("A message by DATA", "[smtp]") {
  Outcome got = run_all(std::string(kStart) +
                        "DATA\r\nSubject: s\r\n\r\n..dot\r\n.x\r\n\r\n.\r\n"
                        "QUIT\r\n");
  CHECK(got.output ==
        "220 host ESMTP\r\n250 host\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
        "354 End data with <CR><LF>.<CR><LF>\r\n250 2.0.0 Ok: queued\r\n"
        "221 2.0.0 Bye\r\n");
  CHECK(got.body == "Subject: s\n\n.dot\nx\n\n--\n");
}

TEST_CASE("Pipelined commands are answered in one go", "[smtp]") {
  ServerEngine engine(ServerLimits{});
  engine.receive("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nRSET\r\n");
  for (int i = 0; i < 4; ++i) {
    REQUIRE(engine.next_event());
    CHECK_FALSE(engine.next_event());  // wants its answer first
    engine.answer({250, "2.0.0", "Ok"});
  }
  CHECK_FALSE(engine.next_event());
  CHECK(engine.pending().size() == 4 * 14);
}

TEST_CASE("Long lines come in pieces and lose nothing", "[smtp]") {
  ServerLimits limits;
  limits.line_length = 10;
  limits.helo_required = false;
  auto body = [&](std::string_view data) {
    std::string all = "MAIL FROM:<>\r\n";  // longer than ten, so cut
    ServerLimits wide = limits;
    wide.line_length = 40;
    return content(data, wide);
  };
  std::string forty(40, 'x');
  CHECK(body(forty + "\r\n.\r\n") == forty + "\n--\n");
  CHECK(body(forty + "y\r\n.\r\n") == forty + "+y\n--\n");
  CHECK(body(forty + forty + "\r\n.\r\n") == forty + "+" + forty + "\n--\n");
  CHECK(body(forty + ".\r\n.\r\n") == forty + "+.\n--\n");
  CHECK(body(forty + "\n.\r\n") == forty + "\n--\n");
  CHECK(body("." + forty + "\r\n.\r\n") == std::string(39, 'x') + "+x\n--\n");
}

TEST_CASE("Bytes of any kind pass", "[smtp]") {
  CHECK(content(std::string_view("a\0b\xff\r\n.\r\n", 9)) ==
        std::string("a\0b\xff\n--\n", 8));
  CHECK(content("a\rb\r\n.\r\n") == "a\rb\n--\n");
  CHECK(content("a\r\r\n.\r\n") == "a\n--\n");
  ServerLimits limits;
  limits.bare_newline = BareNewline::Normalize;
  CHECK(content("a\r\r\n.\r\n", limits) == "a\r\n--\n");
}

TEST_CASE("A message by BDAT", "[smtp]") {
  Outcome got = run_all(std::string(kStart) +
                        "BDAT 6\r\nab\r\ncdBDAT 3\r\ne\r\nBDAT 7 LAST\r\n"
                        ".\r\nfin\rNOOP\r\n");
  CHECK(got.body == "ab\ncde\n.\nfin\r\n--\n");
  CHECK(got.output.find("250 2.0.0 Ok: 6\r\n250 2.0.0 Ok: 3\r\n"
                        "250 2.0.0 Ok: queued\r\n250 2.0.0 Ok\r\n") !=
        std::string::npos);
  CHECK(
      run_all(std::string(kStart) + "BDAT 5\r\nabc\r\nBDAT 0 LAST\r\n").body ==
      "abc\n--\n");
  CHECK(
      run_all(std::string(kStart) + "BDAT 4\r\nabc\rBDAT 1 LAST\r\n\n").body ==
      "abc\n--\n");
}

TEST_CASE("Chunks after an error are dropped", "[smtp]") {
  CHECK(run_all("EHLO x\r\nBDAT 4\r\nab\r\nBDAT 4 LAST\r\nab\r\nNOOP\r\n")
            .output ==
        "220 host ESMTP\r\n250 host\r\n503 5.5.1 Error: need RCPT command\r\n"
        "551 5.0.0 Discarded 4 bytes after earlier error\r\n"
        "250 2.0.0 Ok\r\n");
  CHECK(
      last_line(run_all("EHLO x\r\nMAIL FROM:<a@b>\r\nBDAT 2\r\nab").output) ==
      "554 5.5.1 Error: no valid recipients");
  CHECK(last_line(run_all(std::string(kStart) + "BDAT 0\r\n").output) ==
        "551 5.7.1 Null BDAT request");
  CHECK(
      last_line(run_all(std::string(kStart) + "BDAT 1\r\naDATA\r\n").output) ==
      "503 5.5.1 Error: DATA after BDAT");
  CHECK(last_line(run_all(std::string(kStart) + "BDAT 1\r\naRCPT TO:<b>\r\n")
                      .output) == "503 5.5.1 Error: RCPT after BDAT");
  CHECK(last_line(run_all(std::string(kStart) + "BDAT x\r\nNOOP\r\n").output) ==
        "521 5.5.4 Syntax: BDAT count [LAST]");
}

TEST_CASE("Plaintext after STARTTLS is not believed", "[smtp]") {
  ServerDriver driver({});
  driver.feed("EHLO x\r\nSTARTTLS\r\nMAIL FROM:<evil@x>\r\n");
  CHECK(driver.engine.discarded_plaintext());
  CHECK_FALSE(driver.engine.said_helo());
  CHECK(last_line(driver.output) == "220 2.0.0 Ready to start TLS");
  driver.feed("NOOP\r\n");
  CHECK(last_line(driver.output) == "250 2.0.0 Ok");
}

TEST_CASE("STARTTLS amid a transaction forgets it", "[smtp]") {
  ServerDriver driver({});
  driver.feed("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nSTARTTLS\r\n");
  CHECK(last_line(driver.output) == "220 2.0.0 Ready to start TLS");
  driver.feed("EHLO x\r\nDATA\r\n");
  CHECK(last_line(driver.output) == "503 5.5.1 Error: need RCPT command");
}

TEST_CASE("AUTH with responses", "[smtp]") {
  Outcome got = run_all("EHLO x\r\nAUTH PLAIN =\r\nYQ==\r\nNOOP\r\n");
  CHECK(got.events ==
        std::vector<std::string>{"helo x", "auth ", "response YQ=="});
  CHECK(last_line(got.output) == "250 2.0.0 Ok");
  CHECK(last_line(run_all("EHLO x\r\nAUTH LOGIN\r\n*\r\n").output) ==
        "501 5.7.0 Authentication aborted");
  ServerLimits limits;
  limits.sasl_response = 20;
  CHECK(last_line(
            run_all("EHLO x\r\nAUTH LOGIN\r\n" + std::string(30, 'a') + "\r\n",
                    limits)
                .output) == "500 5.5.6 SASL response limit exceeded");
}

TEST_CASE("LMTP answers for each recipient", "[smtp]") {
  ServerLimits limits;
  limits.protocol = Protocol::Lmtp;
  std::string start =
      "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n"
      "RCPT TO:<refused@x>\r\nRCPT TO:<c@d>\r\n";
  CHECK(run_all(start + "DATA\r\nx\r\n.\r\nQUIT\r\n", limits).output ==
        "220 host ESMTP\r\n250 host\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
        "550 5.1.1 User unknown\r\n250 2.1.5 Ok\r\n"
        "354 End data with <CR><LF>.<CR><LF>\r\n250 2.0.0 Ok\r\n"
        "250 2.0.0 Ok: queued\r\n221 2.0.0 Bye\r\n");
  CHECK(last_line(run_all("EHLO x\r\n", limits).output) ==
        "500 5.5.2 Error: command not recognized");
  CHECK(last_line(run_all("MAIL FROM:<>\r\n", limits).output) ==
        "503 5.5.1 Error: send LHLO first");
}

TEST_CASE("Commands out of sequence", "[smtp]") {
  struct Row {
    std::string input, reply;
  };
  std::string mail = "MAIL FROM:<a@b>\r\n";
  std::string busy = "503 5.5.1 Error: MAIL transaction in progress";
  for (const Row& row : {
           Row{"RCPT TO:<a@b>\r\n", "503 5.5.1 Error: need MAIL command"},
           {mail + mail, "503 5.5.1 Error: nested MAIL command"},
           {"DATA\r\n", "503 5.5.1 Error: need RCPT command"},
           {mail + "DATA\r\n", "554 5.5.1 Error: no valid recipients"},
           {mail + "DATA x\r\n", "554 5.5.1 Error: no valid recipients"},
           {mail + "XFORWARD NAME=x\r\n", busy},
           {mail + "ETRN x.y\r\n", "503 Error: MAIL transaction in progress"},
           {mail + "RSET\r\nRCPT TO:<a>\r\n",
            "503 5.5.1 Error: need MAIL command"},
           {mail + "EHLO y\r\nRCPT TO:<a>\r\n",
            "503 5.5.1 Error: need MAIL command"},
           {"NOOP x\r\n", "250 2.0.0 Ok"},
       }) {
    CAPTURE(row.input);
    CHECK(last_line(run_all(row.input).output) == row.reply);
  }
}

TEST_CASE("What the driver may demand", "[smtp]") {
  ServerLimits limits;
  limits.helo_required = true;
  CHECK(last_line(run_all("MAIL FROM:<a@b>\r\n", limits).output) ==
        "503 5.5.1 Error: send HELO/EHLO first");
  ServerDriver driver({});
  driver.engine.set_tls_required(true);
  driver.feed("EHLO x\r\nMAIL FROM:<a@b>\r\n");
  CHECK(last_line(driver.output) ==
        "530 5.7.0 Must issue a STARTTLS command first");
}

TEST_CASE("Command lines are cut at the limit", "[smtp]") {
  ServerLimits limits;
  limits.line_length = 20;
  CHECK(run_all("HELO " + std::string(40, 'x') + "\r\nNOOP\r\n", limits)
            .events.front() == "helo " + std::string(15, 'x'));
}

TEST_CASE("Who talks too early is noted", "[smtp]") {
  ServerDriver driver({});
  driver.feed("EHLO x\r\nMAIL FROM:<a@b>\r\n");
  CHECK(driver.engine.improper_pipelining());
  ServerDriver polite({});
  polite.feed("EHLO x\r\n");
  polite.feed("MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n");
  CHECK_FALSE(polite.engine.improper_pipelining());
}

TEST_CASE("After QUIT nothing is read", "[smtp]") {
  ServerDriver driver({});
  driver.feed("QUIT\r\nMAIL FROM:<a@b>\r\n");
  CHECK(driver.engine.closed());
  CHECK(driver.output == "220 host ESMTP\r\n221 2.0.0 Bye\r\n");
}

TEST_CASE("A big message stays in bounds", "[smtp]") {
  ServerDriver driver({});
  driver.feed(std::string(kStart) + "DATA\r\n");
  std::string block;
  for (int i = 0; i < 1000; ++i) block += std::string(70, 'x') + "\r\n";
  for (int i = 0; i < 20; ++i) {
    driver.feed(block);
    CHECK(driver.engine.unread().size() < 100);
  }
  driver.feed(".\r\n");
  CHECK(driver.body.size() == 20 * 1000 * 71 + 3);
}
