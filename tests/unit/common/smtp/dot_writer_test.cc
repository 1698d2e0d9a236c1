#include "common/smtp/dot_writer.h"

#include <catch2/catch.hpp>

using namespace mail::smtp;

TEST_CASE("Content on the wire", "[smtp]") {
  std::string wire;
  DotWriter writer;
  writer.line("a", true, wire);
  writer.line(".b", false, wire);
  writer.line(".c", true, wire);
  writer.line("", true, wire);
  writer.line(".", true, wire);
  writer.finish(wire);
  CHECK(wire == "a\r\n..b.c\r\n\r\n..\r\n.\r\n");
}

TEST_CASE("Whole text, however it is cut", "[smtp]") {
  std::string text = ".a\n\n..b\nlast";
  for (size_t step = 1; step <= text.size(); ++step) {
    std::string wire;
    DotWriter writer;
    for (size_t at = 0; at < text.size(); at += step) {
      writer.text(std::string_view(text).substr(at, step), wire);
    }
    writer.finish(wire);
    CHECK(wire == "..a\r\n\r\n...b\r\nlast\r\n.\r\n");
  }
}

TEST_CASE("Long lines are broken with a blank", "[smtp]") {
  std::string wire;
  DotWriter writer(10);
  writer.line("0123456789", true, wire);
  writer.line("0123456789abcdefghijkl", true, wire);
  CHECK(wire == "0123456789\r\n0123456789\r\n abcdefghi\r\n jkl\r\n");
}
