#include "common/queue/spool.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "common/base/file.h"
#include "common/queue/scanner.h"
#include "common/queue/source.h"
#include "common/queuefile/content.h"
#include "tests/unit/common/queuefile/sample.h"

using namespace mail;
using namespace mail::queue;
namespace fs = std::filesystem;

namespace {

struct Spool {
  Spool() {
    char name[] = "/tmp/queue_test.XXXXXX";
    layout.root = mkdtemp(name);
    for (auto queue : {kIncoming, kActive, kDeferred, kDefer, kHold}) {
      fs::create_directory(layout.directory(queue));
    }
  }
  ~Spool() { fs::remove_all(layout.root); }
  Layout layout;
};

std::set<std::string> names(const std::string& directory) {
  auto scanner = Scanner::open(directory);
  REQUIRE(scanner);
  std::set<std::string> out;
  for (;;) {
    auto entry = scanner->next();
    REQUIRE(entry);
    if (!*entry) return out;
    out.emplace((*entry)->name);
    CHECK(fs::exists((*entry)->path()));
  }
}

struct stat stat_of(const std::string& path) {
  struct stat st{};
  REQUIRE(stat(path.c_str(), &st) == 0);
  return st;
}

}  // namespace

TEST_CASE("Hashed queues have subdirectories", "[queue]") {
  Layout layout;
  CHECK(layout.path("incoming", "53E8BA94122") == "incoming/53E8BA94122");
  CHECK(layout.path("deferred", "53E8BA94122") == "deferred/5/53E8BA94122");
  layout.hash_depth = 2;
  layout.hash_names = {"Incoming"};
  layout.root = "/q";
  CHECK(layout.path("incoming", "53E8B1") == "/q/incoming/5/3/53E8B1");
}

TEST_CASE("A file is created, finished, moved and removed", "[queue]") {
  Spool spool;
  for (auto form : {IdForm::Short, IdForm::Long}) {
    spool.layout.id_form = form;
    auto file = create(spool.layout, kIncoming);
    REQUIRE(file);
    const auto& id = file->id.text();
    CHECK(names(spool.layout.directory(kIncoming)) == std::set{id});
    auto st = stat_of(file->path);
    CHECK(claimed_inode(id).value() == st.st_ino);
    CHECK(check_file(st, st.st_ctime) == FileCheck::Writing);
    REQUIRE(finish(*file));
    REQUIRE(sync(file->fd.get()));
    st = stat_of(file->path);
    CHECK((st.st_mode & 07777) == 0700);
    CHECK(check_file(st, st.st_ctime) == FileCheck::Ready);

    REQUIRE(queue::rename(spool.layout, id, kIncoming, kDeferred));
    CHECK(find(spool.layout, id, {kIncoming, kDeferred}) == kDeferred);
    CHECK(names(spool.layout.directory(kDeferred)) == std::set{id});
    REQUIRE(set_mtime(spool.layout.path(kDeferred, id), 1000));
    CHECK(stat_of(spool.layout.path(kDeferred, id)).st_mtime == 1000);
    auto again = queue::rename(spool.layout, id, kIncoming, kActive);
    REQUIRE_FALSE(again);
    CHECK(again.error().sys == ENOENT);
    REQUIRE(queue::remove(spool.layout, kDeferred, id));
    CHECK(names(spool.layout.directory(kDeferred)).empty());
  }
}

TEST_CASE("Links and other kinds of file are told apart", "[queue]") {
  struct stat st{};
  st.st_mode = S_IFREG | 0700;
  st.st_nlink = 2;
  st.st_ctime = 1000;
  CHECK(check_file(st, 1010) == FileCheck::LinksFresh);
  CHECK(check_file(st, 1060) == FileCheck::Links);
  st.st_mode = S_IFLNK | 0777;
  CHECK(check_file(st, 1010) == FileCheck::NotRegular);
}

TEST_CASE("Locks are shared or exclusive and do not wait", "[queue]") {
  Spool spool;
  auto file = create(spool.layout, kActive);
  REQUIRE(file);
  auto open_again = [&] {
    auto fd = queue::open(spool.layout, kActive, file->id.text(), O_RDWR);
    REQUIRE(fd);
    return std::move(*fd);
  };
  UniqueFd a = open_again(), b = open_again();
  CHECK(try_lock(a.get(), Lock::Shared).value());
  CHECK(try_lock(b.get(), Lock::Shared).value());
  CHECK_FALSE(try_lock(file->fd.get(), Lock::Exclusive).value());
}

TEST_CASE("A file on disk is read, marked, read again", "[queue]") {
  Spool spool;
  auto sample = queuefile::test::sample();
  auto file = create(spool.layout, kActive);
  REQUIRE(file);
  int fd = file->fd.get();
  REQUIRE(write_all(fd, sample.bytes));
  FileSource source(fd);
  queuefile::EnvelopeParser parser;
  std::vector<queuefile::FileRecipient> rcpts;
  REQUIRE(parser.read(source, SIZE_MAX, rcpts));
  REQUIRE(rcpts.size() == 2);
  queuefile::ContentReader reader(source, parser.envelope().content_offset);
  std::string content;
  REQUIRE_FALSE(
      queuefile::append_content(reader, 1 << 20, "\n", content).value());
  CHECK(content == sample.content);

  REQUIRE(mark_done(fd, rcpts[0].offset));
  REQUIRE(mark_warned(fd, parser.envelope().warning_offset));
  source.forget();
  queuefile::EnvelopeParser again;
  rcpts.clear();
  REQUIRE(again.read(source, SIZE_MAX, rcpts));
  CHECK(rcpts.size() == 1);
  CHECK(again.envelope().warning_time == -1);
}

TEST_CASE("Large files are read through a small buffer", "[queue]") {
  Spool spool;
  auto file = create(spool.layout, kActive);
  REQUIRE(file);
  std::string bytes, want;
  for (int i = 0; i < 20000; ++i) {
    std::string line(static_cast<size_t>(i % 90), 'x');
    queuefile::append_line(bytes, line);
    want += line + "\r\n";
  }
  std::string large(200000, 'y');
  queuefile::append_line(bytes, large, 1 << 20);
  want += large + "\r\n";
  queuefile::append_record(bytes, queuefile::Type::Extracted, "");
  REQUIRE(write_all(file->fd.get(), bytes));
  FileSource source(file->fd.get());
  queuefile::ContentReader reader(source, 0);
  std::string got;
  while (queuefile::append_content(reader, 4096, "\r\n", got).value()) {
  }
  CHECK((got == want));
}
