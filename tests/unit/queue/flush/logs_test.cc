#include "queue/flush/logs.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "common/base/file.h"

using namespace mail;

TEST_CASE("Mail that waits for a site becomes due once", "[flush]") {
  char name[] = "/tmp/flush_test.XXXXXX";
  REQUIRE(mkdtemp(name) != nullptr);
  queue::Layout layout{.root = name, .hash_names = {}};
  for (const char* queue : {"deferred", "incoming", "flush"}) {
    REQUIRE(mkdir(layout.directory(queue).c_str(), 0700) == 0);
  }
  auto file = queue::create(layout, queue::kDeferred);
  REQUIRE(file);
  std::string id = file->id.text();
  REQUIRE(flush::add(layout, "Example.Com", id));
  REQUIRE(flush::add(layout, "example.com", id));
  REQUIRE(flush::add(layout, "example.com", "DEAD1"));
  CHECK(flush::log_name("[::1].Ex") == "___1__ex");
  auto text = read_file(layout.path("flush", "example_com"));
  REQUIRE(text);
  CHECK(*text == id + "\n" + id + "\nDEAD1\n");

  auto moved = flush::make_site_due(layout, "example_com");
  REQUIRE(moved);
  CHECK(*moved == 1);
  CHECK(std::filesystem::exists(layout.path("incoming", id)));
  CHECK(*read_file(layout.path("flush", "example_com")) == "");
  CHECK(*flush::make_site_due(layout, "nowhere") == 0);

  REQUIRE(queue::set_mtime(layout.path("flush", "example_com"), 1000));
  REQUIRE(flush::refresh(layout, {.refresh = 1, .purge = 100}));
  CHECK_FALSE(std::filesystem::exists(layout.path("flush", "example_com")));
  std::filesystem::remove_all(name);
}
