#include "queue/bounce/notice.h"

#include <catch2/catch.hpp>

using namespace mail;
using bounce::Kind;
using bounce::Notice;

namespace {

Notice failure() {
  Notice n;
  n.mail_name = "Postfix";
  n.host = "mx.example.com";
  n.id = "0E34F118608";
  n.boundary = "0941B118604.1795525194/mx.example.com";
  n.to = n.sender = "alice@example.com";
  n.from = "Mail Delivery System <MAILER-DAEMON>";
  n.subject = "Undelivered Mail Returned to Sender";
  n.charset = "us-ascii";
  n.text = "This is the mail system at host mx.example.com.\n";
  n.original_id = "0941B118604";
  n.now = n.arrival = 1795525194;
  queue::LogEntry entry;
  entry.recipient.recipient = "pipe1@fail.invalid";
  entry.recipient.original_recipient = "pipe1@fail.invalid";
  entry.recipient.dsn_orig_rcpt = "rfc822;Foo+Bar@orig.example";
  entry.dsn.status = "5.7.9";
  entry.dsn.action = "failed";
  entry.dsn.reason =
      "administratively prohibited, because of a text which is made long "
      "enough so that it must be wrapped somewhere: example";
  n.recipients.push_back(entry);
  return n;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("A bounce is the original's, byte by byte", "[bounce]") {
  CHECK(bounce::format_head(failure()) ==
        "Received: by mx.example.com (Postfix)\n"
        "\tid 0E34F118608; Tue, 24 Nov 2026 12:59:54 +0000 (UTC)\n"
        "Date: Tue, 24 Nov 2026 12:59:54 +0000 (UTC)\n"
        "From: Mail Delivery System <MAILER-DAEMON>\n"
        "Subject: Undelivered Mail Returned to Sender\n"
        "To: alice@example.com\n"
        "Auto-Submitted: auto-replied\n"
        "MIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status;\n"
        "\tboundary=\"0941B118604.1795525194/mx.example.com\"\n"
        "\n"
        "This is a MIME-encapsulated message.\n"
        "\n"
        "--0941B118604.1795525194/mx.example.com\n"
        "Content-Description: Notification\n"
        "Content-Type: text/plain; charset=us-ascii\n"
        "\n"
        "This is the mail system at host mx.example.com.\n"
        "\n"
        "<pipe1@fail.invalid>: administratively prohibited, because of a text "
        "which is\n"
        "    made long enough so that it must be wrapped somewhere: example\n"
        "\n"
        "--0941B118604.1795525194/mx.example.com\n"
        "Content-Description: Delivery report\n"
        "Content-Type: message/delivery-status\n"
        "\n"
        "Reporting-MTA: dns; mx.example.com\n"
        "X-Postfix-Queue-ID: 0941B118604\n"
        "X-Postfix-Sender: rfc822; alice@example.com\n"
        "Arrival-Date: Tue, 24 Nov 2026 12:59:54 +0000 (UTC)\n"
        "\n"
        "Final-Recipient: rfc822; pipe1@fail.invalid\n"
        "Original-Recipient: rfc822;Foo+Bar@orig.example\n"
        "Action: failed\n"
        "Status: 5.7.9\n"
        "Diagnostic-Code: X-Postfix; administratively prohibited, because of a "
        "text\n"
        "    which is made long enough so that it must be wrapped somewhere: "
        "example\n"
        "\n"
        "--0941B118604.1795525194/mx.example.com\n"
        "Content-Description: Undelivered Message\n"
        "Content-Type: message/rfc822\n"
        "\n"
        "Return-Path: <alice@example.com>\n");
  CHECK(bounce::format_tail(failure()) ==
        "\n--0941B118604.1795525194/mx.example.com--\n");
}

TEST_CASE("Internationalised mail gets the parts of RFC 6533", "[bounce]") {
  Notice n = failure();
  n.utf8 = true;
  n.encoding = "8bit";
  n.charset = "utf-8";
  n.recipients[0].recipient.recipient = "\xc3\xbcser@fail.invalid";
  auto text = bounce::format_head(n);
  CHECK(has(text,
            "Content-Type: message/global-delivery-status\n"
            "Content-Transfer-Encoding: 8bit\n"));
  CHECK(has(text, "Final-Recipient: utf-8; \xc3\xbcser@fail.invalid\n"));
  CHECK(has(text, "Content-Type: message/global\n"));
  CHECK(has(text, "X-Postfix-Sender: rfc822; alice@example.com\n"));
}

TEST_CASE("A delay warning says how long we shall try", "[bounce]") {
  Notice n = failure();
  n.kind = Kind::Delay;
  n.headers_only = true;
  n.retry_until = n.arrival + 5 * 86400;
  n.recipients[0].dsn = {.status = "4.7.9",
                         .diag_type = "smtp",
                         .diag_text = "450 4.7.9 try later",
                         .mta_type = "dns",
                         .mta_mname = "mx.other.example",
                         .action = "delayed",
                         .reason = "host said: 450"};
  auto text = bounce::format_head(n);
  CHECK(has(text,
            "Action: delayed\nStatus: 4.7.9\n"
            "Remote-MTA: dns; mx.other.example\n"
            "Diagnostic-Code: smtp; 450 4.7.9 try later\n"
            "Will-Retry-Until: Sun, 29 Nov 2026 12:59:54 +0000 (UTC)\n"));
  CHECK(has(text,
            "Content-Description: Undelivered Message Headers\n"
            "Content-Type: text/rfc822-headers\n"));
}

TEST_CASE("An expanded recipient names what it came from", "[bounce]") {
  Notice n = failure();
  n.recipients[0].recipient.original_recipient = "list@example.com";
  n.recipients[0].recipient.dsn_orig_rcpt.clear();
  n.recipients[0].dsn.reason = "gone";
  auto text = bounce::format_head(n);
  CHECK(has(text,
            "\n<pipe1@fail.invalid> (expanded from "
            "<list@example.com>): gone\n"));
  CHECK(has(text, "Original-Recipient: rfc822; list@example.com\n"));
}

TEST_CASE("A word longer than a line is kept whole", "[bounce]") {
  std::string out, word(200, 'x');
  bounce::append_wrapped(out, "a " + word + " b");
  CHECK(out == "a\n    " + word + "\n    b\n");
  out.clear();
  bounce::append_wrapped(out, "");
  CHECK(out == "\n");
}
