#include "common/mime/envelope_scan.h"

#include <catch2/catch.hpp>

using namespace mail::mime;

namespace {

/// Both ways to the same values.
void check(std::string_view header) {
  CAPTURE(header);
  EnvelopeScan scan(header);
  Part root = parse_structure(header);
  const EnvelopeView& a = scan.fields();
  EnvelopeView b = root.envelope->view();
  CHECK(a.date == b.date);
  CHECK(a.subject == b.subject);
  CHECK(a.in_reply_to == b.in_reply_to);
  CHECK(a.message_id == b.message_id);
  CHECK(a.from == b.from);
  CHECK(a.sender == b.sender);
  CHECK(a.reply_to == b.reply_to);
  CHECK(a.to == b.to);
  CHECK(a.cc == b.cc);
  CHECK(a.bcc == b.bcc);
}

}  // namespace

TEST_CASE("one pass finds what the structure's parser finds", "[envelope]") {
  const std::string all =
      "Received: x\n\ty\nSubject: a\n b\n\tc\nDATE : d\nTo: x@y,\n z@w\n"
      "to: v@w\nCc:\n folded\nsender:\r\n s\r\r\n t\rt\r\nFrom:f\nReply-To: r\n"
      "no header\n of it\nMessage-Id:  <a@b> \nIn-Reply-To: <c@d>\nBcc:\n"
      "From: g\nSubject: last\r\n one\r\n\nSubject: body\n";
  for (size_t n = 0; n <= all.size(); ++n) {
    std::string part = all.substr(0, n);
    check(part);
    part.insert(0, " first\n");
    check(part);
  }
  check("Subject: " + std::string(300 << 10, 'x') + "\n y\n\n");
  check("To: " + std::string(300 << 10, 'x') + "\nTo: y\n\n");
  check("\r\nSubject: body\n");
}

TEST_CASE("the last References header counts", "[envelope]") {
  EnvelopeScan scan("References: <a@b>\nreferences:\n <c@d>\n <e@f>\n\n");
  CHECK(scan.references() == "\n <c@d>\n <e@f>");
  CHECK_FALSE(EnvelopeScan("Subject: x\n").references());
}
