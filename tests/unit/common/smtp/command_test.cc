#include "common/smtp/command.h"

#include <catch2/catch.hpp>

using namespace mail::smtp;

namespace {

CommandOptions all() {
  CommandOptions options;
  options.xverp = options.xclient = options.xforward = true;
  return options;
}

std::string refusal(std::string_view line) {
  auto parsed = parse_command(line, all());
  auto* reply = std::get_if<Reply>(&parsed.result);
  return reply == nullptr ? "" : reply->line();
}

template <class T>
T accepted(std::string_view line) {
  auto parsed = parse_command(line, all());
  INFO(refusal(line));
  REQUIRE(std::holds_alternative<Command>(parsed.result));
  return std::get<T>(std::get<Command>(parsed.result));
}

}  // namespace

TEST_CASE("Refusals of syntax, in the words of Debian's smtpd", "[smtp]") {
  struct Row {
    std::string_view line, reply;
  };
  constexpr std::string_view kMail = "501 5.5.4 Syntax: MAIL FROM:<address>";
  constexpr std::string_view kRcpt = "501 5.5.4 Syntax: RCPT TO:<address>";
  constexpr std::string_view kEnvid = "501 5.5.4 Bad ENVID parameter syntax";
  constexpr std::string_view kNotify =
      "501 5.5.4 Error: Bad NOTIFY parameter syntax";
  constexpr std::string_view kOrcpt =
      "501 5.5.4 Error: Bad ORCPT parameter syntax";
  constexpr std::string_view kBdat = "521 5.5.4 Syntax: BDAT count [LAST]";
  for (const Row& row : {
           Row{"", "500 5.5.2 Error: bad syntax"},
           {"   ", "500 5.5.2 Error: bad syntax"},
           {"\xff", "500 5.5.2 Error: bad UTF-8 syntax"},
           {"HELO", "501 Syntax: HELO hostname"},
           {"EHLO ", "501 Syntax: EHLO hostname"},
           {"DATA x", "501 5.5.4 Syntax: DATA"},
           {"RSET x", "501 5.5.4 Syntax: RSET"},
           {"STARTTLS x", "501 5.5.4 Syntax: STARTTLS"},
           {"AUTH", "501 5.5.4 Syntax: AUTH mechanism"},
           {"AUTH PLAIN x y", "501 5.5.4 Syntax: AUTH mechanism"},
           {"VRFY", "501 5.5.4 Syntax: VRFY address [SMTPUTF8]"},
           {"VRFY bob x", "501 5.1.3 Bad recipient address syntax"},
           {"ETRN", "500 Syntax: ETRN domain"},
           {"ETRN x y", "500 Syntax: ETRN domain"},
           {"ETRN -", "501 Error: invalid parameter syntax"},
           {"MAIL", kMail},
           {"MAIL FROM", kMail},
           {"MAIL FROM:", kMail},
           {"MAIL FROM:  ", kMail},
           {"MAIL FROM :<a@b>", kMail},
           {"MAIL TO:<a@b>", kMail},
           {"MAIL FROM:<a@>", "501 5.1.7 Bad sender address syntax"},
           {"MAIL FROM:<a@b>SIZE=1", "501 5.1.7 Bad sender address syntax"},
           {"MAIL FROM:x y", "555 5.5.4 Unsupported option: y"},
           {"MAIL FROM:<a@b> \"x y\"", "555 5.5.4 Unsupported option: \"x y\""},
           {"MAIL FROM:<a@b> BODY=", "555 5.5.4 Unsupported option: BODY="},
           {"MAIL FROM:<a@b> BODY=BLA",
            "555 5.5.4 Unsupported option: BODY=BLA"},
           {"MAIL FROM:<a@b> SMTPUTF8=1",
            "555 5.5.4 Unsupported option: SMTPUTF8=1"},
           {"MAIL FROM:<a@b> SIZE=x", "501 5.5.4 Bad message size syntax"},
           {"MAIL FROM:<a@b> SIZE=99999999999999999999",
            "552 5.3.4 Message size exceeds file system imposed limit"},
           {"MAIL FROM:<a@b> RET=x", "501 5.5.4 Bad RET parameter syntax"},
           {"MAIL FROM:<a@b> RET=FULL RET=HDRS",
            "501 5.5.4 Bad RET parameter syntax"},
           {"MAIL FROM:<a@b> ENVID=", kEnvid},
           {"MAIL FROM:<a@b> ENVID=a+b", kEnvid},
           {"MAIL FROM:<a@b> ENVID=a ENVID=b", kEnvid},
           {"MAIL FROM:<a@b> AUTH=x AUTH=<>",
            "503 5.5.4 Error: multiple AUTH= options"},
           {"MAIL FROM:<a@b> XVERP=+",
            "501 5.5.4 Error: XVERP needs two characters from -=+"},
           {"RCPT", kRcpt},
           {"RCPT TO:", kRcpt},
           {"RCPT TO:<>", "501 5.1.3 Bad recipient address syntax"},
           {"RCPT TO:<b> FOO=b", "555 5.5.4 Unsupported option: FOO=b"},
           {"RCPT TO:<b> NOTIFY=x", kNotify},
           {"RCPT TO:<b> NOTIFY=NEVER,DELAY", kNotify},
           {"RCPT TO:<b> ORCPT=x", kOrcpt},
           {"RCPT TO:<b> ORCPT=rfc822;a+b", kOrcpt},
           {"RCPT TO:<b> ORCPT=rfc822;a ORCPT=rfc822;b", kOrcpt},
           {"BDAT", kBdat},
           {"BDAT x", kBdat},
           {"BDAT -1", kBdat},
           {"BDAT 3 FOO", kBdat},
           {"BDAT 0 LAST x", kBdat},
           {"BDAT 99999999999999999999", kBdat},
           {"XCLIENT", "501 5.5.4 Syntax: XCLIENT attribute=value..."},
           {"XCLIENT NAME", "501 5.5.4 Error: attribute=value expected"},
           {"XCLIENT NAME=", "501 5.5.4 Error: attribute=value expected"},
           {"XFORWARD FOO=x", "501 5.5.4 Bad XFORWARD attribute name: FOO"},
           {"XCLIENT NAME=a+b", "501 5.5.4 Bad NAME syntax: a+b"},
       }) {
    CAPTURE(row.line);
    CHECK(refusal(row.line) == row.reply);
  }
}

TEST_CASE("Commands and their arguments", "[smtp]") {
  Mail mail = accepted<Mail>(
      "mail from: <\"a b\"@c> size=5 body=8bitmime ret=full envid=+41x "
      "smtputf8 auth=<> xverp=+=");
  CHECK(mail.address == "a b@c");
  CHECK(mail.size == 5);
  CHECK(mail.body == BodyType::EightBit);
  CHECK(mail.ret == DsnReturn::Full);
  CHECK(mail.envid == "+41x");
  CHECK(mail.smtputf8);
  CHECK(mail.auth == "<>");
  CHECK(mail.verp == "+=");
  CHECK(accepted<Mail>("MAIL FROM:<>").address.empty());
  Rcpt rcpt =
      accepted<Rcpt>("RCPT TO:<x@y> NOTIFY=SUCCESS,delay ORCPT=rfc822;a+2Bb@c");
  CHECK(rcpt.notify == (kNotifySuccess | kNotifyDelay));
  CHECK(rcpt.orcpt == "rfc822;a+b@c");
  CHECK(accepted<Helo>("HELO a  b").name == "a b");
  CHECK(accepted<Bdat>("bdat 5 last").last);
  CHECK(accepted<Auth>("AUTH PLAIN =").initial == "");
  CHECK(accepted<Vrfy>("VRFY bob SMTPUTF8").smtputf8);
  CHECK(accepted<Unknown>("Subject: x").header_like);
  CHECK(accepted<Attributes>("XCLIENT name=a+20b ADDR=[UNAVAILABLE]").values ==
        std::vector<std::pair<std::string, std::string>>{
            {"NAME", "a b"}, {"ADDR", "[UNAVAILABLE]"}});
}

TEST_CASE("XCLIENT is for the authorized", "[smtp]") {
  auto parsed = parse_command("XCLIENT NAME=x", {});
  CHECK(std::get<Reply>(parsed.result).line() ==
        "550 5.7.0 Error: insufficient authorization");
}
