#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "common/base/file.h"
#include "tools/postsuper/request.h"

using namespace mail;
using namespace mail::postsuper;
namespace fs = std::filesystem;

namespace {

struct Spool {
  Spool() {
    char name[] = "/tmp/postsuper.XXXXXX";
    layout.root = mkdtemp(name);
    for (const auto& queue : default_queues()) {
      fs::create_directory(layout.directory(queue));
    }
  }
  ~Spool() { fs::remove_all(layout.root); }

  void put(const std::string& path, mode_t mode = 0700) {
    fs::create_directories(fs::path(layout.root + '/' + path).parent_path());
    auto fd = open_file(layout.root + '/' + path, O_CREAT | O_WRONLY, mode);
    REQUIRE(fd);
  }
  /// A message whose id is right, in queue/subdirectory.
  std::string message(const std::string& queue, mode_t mode = 0700) {
    auto file = queue::create(layout, queue, mode);
    REQUIRE(file);
    return file->id.text();
  }
  std::set<std::string> files() const {
    std::set<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(layout.root)) {
      if (entry.is_directory()) continue;
      out.insert(entry.path().string().substr(layout.root.size() + 1));
    }
    return out;
  }
  Result<> operator()(std::vector<const char*> args) {
    said.clear();
    args.insert(args.begin(), "postsuper");
    args.push_back(nullptr);
    optind = 1;
    auto request = parse(static_cast<int>(args.size()) - 1,
                         const_cast<char**>(args.data()));
    if (!request) return fail(std::move(request).error());
    auto note = [this](const std::string& text) { said += text + "\n"; };
    return run(layout, *request, {.info = note, .warn = note, .error = note});
  }

  queue::Layout layout;
  std::string said;
};

}  // namespace

TEST_CASE("Messages are held, released, expired, requeued", "[postsuper]") {
  Spool spool;
  auto id = spool.message("deferred");
  const char* c = id.c_str();
  std::string hashed = "deferred/" + id.substr(0, 1) + "/" + id;
  REQUIRE(spool({"-h", c}));
  CHECK(spool.said == id + ": placed on hold\nPlaced on hold: 1 message\n");
  CHECK(spool.files() == std::set<std::string>{"hold/" + id});
  REQUIRE(spool({"-h", c}));
  CHECK(spool.said == "Placed on hold: 0 messages\n");
  REQUIRE(spool({"-f", c}));
  CHECK(spool.said == id + ": expired\n" + id +
                          ": released from hold\nForce-expired: 1 message\n"
                          "Released from hold: 1 message\n");
  CHECK(spool.files() == std::set<std::string>{hashed});
  CHECK(fs::status(spool.layout.root + "/" + hashed).permissions() ==
        fs::perms(0710));
  REQUIRE(spool({"-r", "ALL"}));
  CHECK(spool.said == "Requeued: 1 message\n");
  CHECK(spool.files() == std::set<std::string>{"maildrop/" + id});
}

TEST_CASE("Deleting takes the logs too", "[postsuper]") {
  Spool spool;
  auto id = spool.message("active"), other = spool.message("incoming", 0600);
  spool.put("bounce/" + id, 0600);
  spool.put("defer/" + id.substr(0, 1) + "/" + id, 0600);
  REQUIRE(spool({"-d", "nosuch", "-d", "a/b", "-d", id.c_str()}));
  CHECK(spool.said == "invalid mail queue id: a/b\n" + id +
                          ": removed\nDeleted: 1 message\n");
  CHECK(spool.files() == std::set<std::string>{"incoming/" + other});
  REQUIRE(spool({"-d", "ALL"}));
  CHECK(spool.said == "Deleted: 0 messages\n");  // it was not complete
  CHECK(spool.files().empty());
}

TEST_CASE("Files get the name of their inode and place", "[postsuper]") {
  Spool spool;
  // Two files, each with the other's name: none may be lost.
  auto a = spool.message("deferred"), b = spool.message("deferred");
  auto usec = a.substr(0, 5);
  auto inode_a = a.substr(5), inode_b = b.substr(5);
  auto path = [&](const std::string& id) {
    return spool.layout.path("deferred", id);
  };
  fs::rename(path(a), spool.layout.root + "/deferred/" + usec + inode_b);
  fs::rename(path(b), spool.layout.root + "/deferred/" + usec + inode_a);
  spool.put("defer/" + usec + inode_b, 0600);
  spool.put("incoming/bad-name");
  REQUIRE(spool({}));
  CHECK(spool.said.find("Renamed to match inode number: 2 messages") !=
        std::string::npos);
  std::string sub = usec.substr(0, 1) + "/" + usec;
  CHECK(spool.files() == std::set<std::string>{"deferred/" + sub + inode_a,
                                               "deferred/" + sub + inode_b,
                                               "defer/" + sub + inode_a,
                                               "incoming/bad-name"});
}

TEST_CASE("Old unfinished files are purged", "[postsuper]") {
  Spool spool;
  spool.put("incoming/123.456", 0600);
  spool.put("maildrop/99.1", 0600);
  spool.put("bounce/ABCDE1", 0600);
  for (auto name : {"/incoming/123.456", "/bounce/ABCDE1"}) {
    REQUIRE(queue::set_mtime(spool.layout.root + name, 1000));
  }
  REQUIRE(spool({"-p"}));
  CHECK(spool.files() ==
        std::set<std::string>{"bounce/ABCDE1", "maildrop/99.1"});
}

TEST_CASE("Ids that change under the command stop it", "[postsuper]") {
  Spool spool;
  spool.put("hold/12345ABC");
  auto done = spool({"-d", "12345ABC", "-s"});
  REQUIRE_FALSE(done);
  CHECK(done.error().what == "CHECK YOUR QUEUE IDS AND RE-ISSUE THE COMMAND");
  CHECK(spool.files().size() == 1);
  CHECK_FALSE(spool({"nosuch"}));
}
