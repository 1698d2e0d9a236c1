#include <catch2/catch.hpp>

#include "master/proxymap/server.h"

namespace mail::proxymap {
namespace {

using Warnings = std::vector<std::string>;

std::string shown(std::string bytes) {
  for (char& c : bytes) c = c == '\0' ? '|' : c;
  return bytes;
}

std::string ask(Server& server, std::string what, std::string table,
                std::string key, int flags = maps::flag::kDefault) {
  ipc::ProxymapRequest request;
  request.request = std::move(what);
  request.table = std::move(table);
  request.key = std::move(key);
  request.flags = flags;
  return shown(server.answer(request));
}

TEST_CASE("only approved tables are looked up", "[proxymap]") {
  Warnings warnings;
  maps::OpenOptions options;
  options.warn = [&](std::string_view text) { warnings.emplace_back(text); };
  Server server(Access::Read,
                "hash:/x proxy:unix:passwd.byname, proxy:proxy:inline:{a=b}",
                options);
  CHECK(ask(server, "lookup", "inline:{a=b}", "A") == "status|0|value|b||");
  CHECK(ask(server, "lookup", "proxy:inline:{a=b}", "x") ==
        "status|1|value|||");
  CHECK(ask(server, "open", "unix:passwd.byname", "", 64) ==
        "status|0|flags|80||");
  CHECK(warnings.empty());
  CHECK(ask(server, "lookup", "hash:/x", "a") == "status|4|value|||");
  CHECK(warnings == Warnings{"request for unapproved table: \"hash:/x\"",
                             "to approve this table for read-only access, list "
                             "proxy:hash:/x in main.cf:proxy_read_maps"});
  CHECK(ask(server, "update", "inline:{a=b}", "a") == "status|4||");
}

TEST_CASE("proxywrite changes and lists a table", "[proxymap]") {
  Server server(Access::Write, "proxy:internal:x", {});
  ipc::ProxymapRequest request;
  request.request = "update";
  request.table = "internal:x";
  request.key = "k";
  request.value = "v";
  CHECK(shown(server.answer(request)) == "status|0||");
  request.request = "sequence";
  CHECK(shown(server.answer(request)) == "status|0|key|k|value|v||");
  request.function = 1;
  CHECK(shown(server.answer(request)) == "status|1|key||value|||");
  request.request = "delete";
  CHECK(shown(server.answer(request)) == "status|0||");
  CHECK(shown(server.answer(request)) == "status|1||");
}

}  // namespace
}  // namespace mail::proxymap
