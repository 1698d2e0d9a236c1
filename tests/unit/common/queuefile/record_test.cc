#include "common/queuefile/record.h"

#include <catch2/catch.hpp>

#include "tests/unit/common/queuefile/sample.h"

using namespace mail;
using namespace mail::queuefile;

TEST_CASE("A record is a type, a base 128 length and data", "[queuefile]") {
  std::string out;
  append_record(out, Type::Sender, "a@b");
  append_record(out, Type::Text, std::string(300, 'x'));
  append_record(out, Type::End, "");
  CHECK(out.substr(0, 5) == std::string("S\3a@b", 5));
  CHECK(out.substr(5, 3) == "N\xac\x02");
  CHECK(out.substr(308) == std::string("E\0", 2));
}

TEST_CASE("Long lines are cut into L records and a last N", "[queuefile]") {
  std::string out;
  append_line(out, "abcdefg", 3);
  CHECK(out == "L\3abcL\3defN\1g");
  out.clear();
  append_line(out, "abc", 3);
  CHECK(out == "N\3abc");
}

TEST_CASE("Records come out the same however they are cut", "[queuefile]") {
  std::string bytes = test::sample().bytes;
  for (size_t step : {size_t{1}, size_t{2}, size_t{7}, bytes.size()}) {
    RecordReader reader;
    std::string again;
    for (size_t i = 0; i < bytes.size(); i += step) {
      reader.receive(std::string_view(bytes).substr(i, step));
      for (;;) {
        auto record = reader.next();
        REQUIRE(record);
        if (!*record) break;
        append_record(again, (*record)->type, (*record)->data);
      }
    }
    CHECK(again == bytes);
    CHECK(reader.offset() == bytes.size());
    CHECK(reader.rest().empty());
  }
}

TEST_CASE("Records over the limit are refused", "[queuefile]") {
  RecordReader reader(10);
  reader.receive("N\x0b");
  auto record = reader.next();
  REQUIRE_FALSE(record);
  CHECK(record.error().fault == Fault::Protocol);
  RecordReader endless;
  endless.receive("N\xff\xff\xff\xff\xff\xff");
  CHECK_FALSE(endless.next());
}
