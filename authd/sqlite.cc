#include "authd/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <map>

#include "common/base/handle.h"

namespace mail::authd {

namespace {

constexpr int kBusyMilliseconds = 5000;

using Database = Handle<sqlite3, sqlite3_close>;
using Statement = Handle<sqlite3_stmt, sqlite3_finalize>;

}  // namespace

struct Sqlite::State {
  std::string path;
  Database database;
  ino_t inode = 0;

  Result<> open() {
    struct stat info;
    bool there = stat(path.c_str(), &info) == 0;
    if (database && there && info.st_ino == inode) return {};
    sqlite3* opened = nullptr;
    int status =
        sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
    database.reset(opened);
    if (status != SQLITE_OK) {
      std::string why = opened ? sqlite3_errmsg(opened) : "out of memory";
      database.reset();
      return fail(Fault::Temporary, std::move(why));
    }
    sqlite3_busy_timeout(opened, kBusyMilliseconds);
    inode = there ? info.st_ino : 0;
    return {};
  }
};

Sqlite::Sqlite(std::string path) : state_(std::make_unique<State>()) {
  state_->path = std::move(path);
}
Sqlite::~Sqlite() = default;

std::shared_ptr<Sqlite> Sqlite::shared(const std::string& path) {
  static std::map<std::string, std::weak_ptr<Sqlite>> all;
  auto& slot = all[path];
  auto out = slot.lock();
  if (!out) slot = out = std::make_shared<Sqlite>(path);
  return out;
}

Result<> Sqlite::query(const std::string& text,
                       const std::function<bool(SqlRow)>& row) {
  TRY(state_->open());
  sqlite3* database = state_->database.get();
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(database, text.c_str(), -1, &prepared, nullptr) !=
      SQLITE_OK) {
    return fail(Fault::Temporary, sqlite3_errmsg(database));
  }
  Statement statement(prepared);
  while (true) {
    int status = sqlite3_step(prepared);
    if (status == SQLITE_DONE) return {};
    if (status != SQLITE_ROW) {
      return fail(Fault::Temporary, sqlite3_errmsg(database));
    }
    SqlRow out;
    for (int i = 0; i < sqlite3_column_count(prepared); ++i) {
      const unsigned char* value = sqlite3_column_text(prepared, i);
      if (!value) continue;
      auto size = static_cast<size_t>(sqlite3_column_bytes(prepared, i));
      out.emplace_back(sqlite3_column_name(prepared, i),
                       std::string(reinterpret_cast<const char*>(value), size));
    }
    if (!row(std::move(out))) return {};
  }
}

}  // namespace mail::authd
