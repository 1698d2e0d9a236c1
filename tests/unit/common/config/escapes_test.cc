#include "common/config/postfix/escapes.h"

#include <catch2/catch.hpp>

using mail::config::undo_escapes;

TEST_CASE("escapes mean what they mean in C", "[config]") {
  CHECK(undo_escapes("") == "");
  CHECK(undo_escapes("a\\tb\\n\\\\c") == "a\tb\n\\c");
  CHECK(undo_escapes("\\40!\\0411\\0") == std::string(" !!1\0", 5));
  CHECK(undo_escapes("\\q\\") == "q\\");
}
