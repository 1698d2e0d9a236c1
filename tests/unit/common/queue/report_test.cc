#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "common/base/file.h"
#include "common/queue/delivery_line.h"
#include "common/queue/delivery_log.h"
#include "common/queue/dsn_status.h"

using namespace mail;
using namespace mail::queue;

TEST_CASE("Delays have two significant digits", "[queue]") {
  auto text = [](long sec, long usec, int digits = kDelayDigits) {
    return format_delay({sec, usec}, digits);
  };
  CHECK(text(0, 240000) == "0.24");
  CHECK(text(1, 100000) == "1.1");
  CHECK(text(1, 0) == "1");
  CHECK(text(12, 340000) == "12");
  CHECK(text(0, 12700) == "0.01");
  CHECK(text(0, 4999) == "0");
  CHECK(text(0, 5000) == "0.01");
  CHECK(text(0, 996000) == "1");
  CHECK(text(9, 960000) == "10");
  CHECK(text(3602, 400000) == "3602");
  CHECK(text(0, 127, 6) == "0.00013");
  CHECK(text(1, 700000, 0) == "2");
  CHECK(text(-1, 500000) == "0");
}

TEST_CASE("Message times cross a socket as 88 bytes", "[queue]") {
  MessageStats stats;
  stats.incoming_arrival = {1795490254, 542347};
  stats.reuse_count = 3;
  auto bytes = encode_stats(stats);
  CHECK(bytes.size() == 88);
  auto again = decode_stats(bytes);
  REQUIRE(again);
  CHECK(again->incoming_arrival.tv_usec == 542347);
  CHECK(again->reuse_count == 3);
  CHECK_FALSE(decode_stats("short"));
}

TEST_CASE("A delivery makes one line", "[queue]") {
  DeliveryLine line{.queue_id = "53E8BA94122",
                    .recipient = "a@b",
                    .original_recipient = "c@d",
                    .relay = "mx[1.2.3.4]:25",
                    .now = {100, 500000},
                    .dsn = "2.0.0",
                    .status = "sent",
                    .text = "250 ok"};
  line.stats.incoming_arrival = {99, 0};
  line.stats.active_arrival = {99, 300000};
  line.stats.agent_handoff = {99, 310000};
  line.stats.conn_setup_done = {100, 310000};
  line.stats.reuse_count = 1;
  CHECK(delivery_line(line) ==
        "53E8BA94122: to=<a@b>, orig_to=<c@d>, relay=mx[1.2.3.4]:25, "
        "conn_use=2, delay=1.5, delays=0.3/0.01/1/0.19, dsn=2.0.0, "
        "status=sent (250 ok)");
  line.original_recipient = "A@B";
  line.stats.reuse_count = 0;
  line.stats.conn_setup_done = {};
  CHECK(delivery_line(line) ==
        "53E8BA94122: to=<a@b>, relay=mx[1.2.3.4]:25, delay=1.5, "
        "delays=0.3/0.01/0/1.2, dsn=2.0.0, status=sent (250 ok)");
}

TEST_CASE("A status is split from its text", "[queue]") {
  CHECK(is_dsn_status("5.1.1"));
  CHECK(is_dsn_status("4.123.999"));
  CHECK_FALSE(is_dsn_status("3.1.1"));
  CHECK_FALSE(is_dsn_status("5.1.1234"));
  CHECK_FALSE(is_dsn_status("5.1"));
  auto split = split_dsn("4.2.2  over quota", "5.0.0");
  CHECK(split.status == "4.2.2");
  CHECK(split.text == "over quota");
  CHECK(split_dsn("no code", "5.0.0").status == "5.0.0");
  CHECK(split_dsn("no code", "5.0.0").text == "no code");
  CHECK(split_dsn("5.1.1x", "4.0.0").text == "5.1.1x");
  CHECK(mailbox_status(ENOSPC, "5.2.0") == "4.3.0");
  ipc::Dsn dsn{
      .status = "5.1.1", .diag_type = "smtp", .diag_text = "550 5.1.1 no"};
  soften(dsn);
  CHECK(dsn.status == "4.1.1");
  CHECK(dsn.diag_text == "450 4.1.1 no");
}

namespace {
LogEntry entry() {
  return {{"root", "a@b", 755, "rfc822;root@b", 12},
          {"4.4.1", "smtp", "451 no", "dns", "mx.b", "delayed",
           "connect to b: Connection\nrefused"}};
}
}  // namespace

TEST_CASE("A log entry is a block of lines", "[queue]") {
  auto text = format_log_entry(entry());
  CHECK(text ==
        "\n<a@b>: connect to b: Connection refused\nrecipient=a@b\n"
        "original_recipient=root\noffset=755\ndsn_orig_rcpt=rfc822;root@b\n"
        "notify_flags=12\nstatus=4.4.1\naction=delayed\ndiag_type=smtp\n"
        "diag_text=451 no\nmta_type=dns\nmta_mname=mx.b\n"
        "reason=connect to b: Connection refused\n\n");
  LogEntry empty;
  CHECK(format_log_entry(empty, OldLines::Without) == "\nrecipient=<>\n\n");
}

TEST_CASE("A log is read back however it is cut", "[queue]") {
  LogEntry null;
  null.dsn.reason = "null";
  std::string text = format_log_entry(entry()) + format_log_entry(null) +
                     "\n<old@b>: told: long ago";
  for (size_t step : {size_t{1}, size_t{5}, text.size()}) {
    LogParser parser;
    std::vector<LogEntry> got;
    auto drain = [&] {
      while (auto one = parser.next()) got.push_back(*one);
    };
    for (size_t i = 0; i < text.size(); i += step) {
      parser.receive(std::string_view(text).substr(i, step));
      drain();
    }
    parser.finish();
    drain();
    REQUIRE(got.size() == 3);
    CHECK(got[0].recipient.offset == 755);
    CHECK(got[0].recipient.original_recipient == "root");
    CHECK(got[0].dsn.diag_text == "451 no");
    CHECK(got[1].recipient.recipient.empty());
    CHECK(got[1].dsn.reason == "null");
    CHECK(got[2].recipient.recipient == "old@b");
    CHECK(got[2].dsn.reason == "told: long ago");
  }
}

TEST_CASE("Logs are appended and their directories made", "[queue]") {
  char name[] = "/tmp/queue_log.XXXXXX";
  Layout layout;
  layout.root = mkdtemp(name);
  REQUIRE(append_log(layout, kDefer, "ABCDE1", "one\n"));
  REQUIRE(append_log(layout, kDefer, "ABCDE1", "two\n"));
  CHECK(read_file(layout.root + "/defer/A/ABCDE1").value() == "one\ntwo\n");
  std::filesystem::remove_all(layout.root);
}
