#include "common/maps/data_set_database.h"

#include <db.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "common/base/file.h"
#include "common/maps/flock.h"

namespace mail::maps {

namespace {

std::string text_of(const DBT& thing) {
  return {static_cast<const char*>(thing.data), thing.size};
}

}  // namespace

Result<DataSetDatabase> DataSetDatabase::open(const std::string& path) {
  DataSetDatabase out;
  auto fd = open_file(path, O_RDONLY);
  if (!fd) return fail(Fault::Config, strerror(fd.error().sys));
  out.fd_ = std::move(*fd);
  auto db = open_berkeley(out.fd_.get(), path, BerkeleyKind::Hash, {});
  if (!db) db = open_berkeley(out.fd_.get(), path, BerkeleyKind::Btree, {});
  if (!db) return fail(Fault::Config, strerror(db.error().sys));
  out.db_ = std::move(*db);
  return out;
}

Result<std::optional<std::string>> DataSetDatabase::find(std::string_view key) {
  std::lock_guard turn(*mutex_);
  FileLock lock(fd_.get(), LOCK_SH);
  DBT wanted{}, found{};
  wanted.data = const_cast<char*>(key.data());
  wanted.size = static_cast<u_int32_t>(key.size());
  int error = db_->get(db_.get(), nullptr, &wanted, &found, 0);
  if (error == DB_NOTFOUND) return std::optional<std::string>();
  if (error != 0) return fail(Fault::Temporary, db_strerror(error));
  return std::optional<std::string>(text_of(found));
}

Result<std::vector<std::pair<std::string, std::string>>>
DataSetDatabase::entries() {
  std::lock_guard turn(*mutex_);
  std::vector<std::pair<std::string, std::string>> out;
  DBC* cursor = nullptr;
  if (int e = db_->cursor(db_.get(), nullptr, &cursor, 0)) {
    return fail(Fault::Temporary, db_strerror(e));
  }
  DBT key{}, value{};
  int error = 0;
  while ((error = cursor->get(cursor, &key, &value, DB_NEXT)) == 0) {
    out.emplace_back(text_of(key), text_of(value));
  }
  cursor->close(cursor);
  if (error != DB_NOTFOUND) return fail(Fault::Temporary, db_strerror(error));
  return out;
}

}  // namespace mail::maps
