#include <catch2/catch.hpp>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "tests/unit/common/smtp/server_driver.h"

using namespace mail;

namespace {

/// Runs a dialogue of tests/dialogs; the answers must come when they should.
void play(std::string_view name) {
  auto text = read_file(std::string(DIALOGS) + "/" + std::string(name));
  REQUIRE(text);
  ServerDriver driver(smtp::ServerLimits{});
  driver.feed("");
  std::string expected;
  for (std::string_view line : split_exact(*text, '\n')) {
    std::string said(line.size() > 3 ? line.substr(3) : "");
    if (line.starts_with("C:")) {
      CAPTURE(name, said);
      CHECK(driver.output == expected);
      driver.feed(said + "\r\n");
    } else if (line.starts_with("S:")) {
      expected += said + "\r\n";
    }
  }
  CHECK(driver.output == expected);
}

}  // namespace

TEST_CASE("The dialogues go as written", "[smtp]") {
  play("smtp-message.dlg");
  play("smtp-mistakes.dlg");
}
