#include "tools/postqueue/format.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

using namespace mail;

namespace {

ipc::ShowqMessage message() {
  setenv("TZ", "UTC", 1);
  tzset();
  return {.queue_name = "deferred",
          .queue_id = "42FC811860A",
          .time = 1795525194,
          .size = 310,
          .sender = "alice@example.com",
          .recipients = {{"q@tmp.invalid", "try later"}, {"r@x", ""}}};
}

}  // namespace

TEST_CASE("The list is the original's, byte by byte", "[postqueue]") {
  postqueue::Table table(postqueue::IdWidth::Short);
  std::string out;
  auto m = message();
  table.add(m, out);
  m.queue_name = "active";
  m.forced_expire = 1;
  m.recipients.clear();
  table.add(m, out);
  table.finish(out);
  CHECK(out ==
        "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
        "42FC811860A     310 Tue Nov 24 12:59:54  alice@example.com\n"
        "                                                                   "
        "(try later)\n"
        "                                         q@tmp.invalid\n"
        "                                                          "
        "(reason unavailable)\n"
        "                                         r@x\n"
        "\n"
        "42FC811860A*#     310 Tue Nov 24 12:59:54  alice@example.com\n"
        "\n"
        "-- 0 Kbytes in 2 Requests.\n");
}

TEST_CASE("An empty queue says so", "[postqueue]") {
  std::string out;
  postqueue::Table(postqueue::IdWidth::Long).finish(out);
  CHECK(out == "Mail queue is empty\n");
}

TEST_CASE("JSON has one object a line", "[postqueue]") {
  std::string out;
  auto m = message();
  m.sender = "\"a\\\x01\"@b";
  postqueue::append_json(m, out);
  CHECK(out ==
        "{\"queue_name\": \"deferred\", \"queue_id\": \"42FC811860A\", "
        "\"arrival_time\": 1795525194, \"message_size\": 310, "
        "\"forced_expire\": false, \"sender\": \"\\\"a\\\\\\u0001\\\"@b\", "
        "\"recipients\": [{\"address\": \"q@tmp.invalid\", \"delay_reason\": "
        "\"try later\"}, {\"address\": \"r@x\"}]}\n");
}
