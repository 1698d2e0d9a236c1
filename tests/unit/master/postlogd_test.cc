#include <catch2/catch.hpp>

#include "master/postlogd/record.h"

using namespace mail;
using namespace mail::postlogd;

TEST_CASE("A datagram to postlog is taken apart for syslog") {
  auto record =
      parse_record("Nov 04 12:20:13 mx postfix/smtpd[115]: warning: a: b");
  REQUIRE(record);
  CHECK(record->ident == "postfix/smtpd[115]");
  CHECK(record->level == log::Level::Warning);
  CHECK(record->text == "a: b");
  record = parse_record("Nov 04 12:20:13 mx postfix/smtpd[115]: fatally so");
  REQUIRE(record);
  CHECK(record->level == log::Level::Info);
  CHECK(record->text == "fatally so");
}

TEST_CASE("Any other datagram is none") {
  for (const char* text : {"", "x", "Nov 04 12:20:13 mx", "Nov 04 12:20:13 ",
                           "Nov 04 12:20:13 mx : x"}) {
    CHECK_FALSE(parse_record(text));
  }
}

TEST_CASE("The log file is where it may be") {
  CHECK(has_prefix("/var/log/mail.log", "/var, /dev/stdout"));
  CHECK(has_prefix("/dev/stdout", "/var, /dev/stdout"));
  CHECK_FALSE(has_prefix("/various/x", "/var, /dev/stdout"));
  CHECK_FALSE(has_prefix("/etc/passwd", "/var"));
}
