#include "common/maps/berkeley.h"

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

namespace mail::maps {
namespace {

// The library opens files by name. These replace its open() and exists(), and
// give it copies of the descriptor we have for the one path at hand.
struct Door {
  const char* path = nullptr;
  int fd = -1;
};
thread_local Door door;

bool at_door(const char* path) {
  return door.path != nullptr && strcmp(path, door.path) == 0;
}

int open_by_door(const char* path, int flags, ...) {
  if (!at_door(path)) {
    errno = ENOENT;
    return -1;
  }
  if ((flags & O_TRUNC) != 0 && ::ftruncate(door.fd, 0) < 0) return -1;
  return ::fcntl(door.fd, F_DUPFD_CLOEXEC, 0);
}

int exists_by_door(const char* path, int* is_directory) {
  if (is_directory != nullptr) *is_directory = 0;
  return at_door(path) ? 0 : ENOENT;
}

void hook_library() {
  static const bool hooked = [] {
    db_env_set_func_open(open_by_door);
    db_env_set_func_exists(exists_by_door);
    return true;
  }();
  (void)hooked;
}

int set_up(DB* db, BerkeleyKind kind, const BerkeleyOptions& options) {
  // Errors come back as codes; nothing of the library's goes to stderr.
  db->set_errcall(db, [](const DB_ENV*, const char*, const char*) {});
  // The library adds a quarter to small caches for its own needs.
  size_t giga = options.cache >> 30;
  size_t rest = options.cache & ((1u << 30) - 1);
  if (int e = db->set_cachesize(db, static_cast<u_int32_t>(giga),
                                static_cast<u_int32_t>(rest), 1)) {
    return e;
  }
  if (!options.create) return 0;
  if (int e = db->set_pagesize(db, 4096)) return e;
  if (kind == BerkeleyKind::Hash && options.entries > 0) {
    // All buckets from the start: none is split while the table is filled.
    size_t average = options.entry_bytes / options.entries + 8;
    size_t fill = std::max<size_t>(1, 3 * (4096 - 32) / 4 / average);
    if (int e = db->set_h_ffactor(db, static_cast<u_int32_t>(fill))) return e;
    return db->set_h_nelem(db, static_cast<u_int32_t>(options.entries));
  }
  return 0;
}

}  // namespace

void BerkeleyCloser::operator()(DB* db) const { db->close(db, DB_NOSYNC); }

Result<BerkeleyHandle> open_berkeley(int fd, const std::string& path,
                                     BerkeleyKind kind,
                                     const BerkeleyOptions& options) {
  hook_library();
  DB* raw = nullptr;
  if (int e = db_create(&raw, nullptr, 0)) {
    return fail_errno("open database " + path, e);
  }
  BerkeleyHandle db(raw);
  int error = set_up(raw, kind, options);
  if (error == 0) {
    // Absolute, or the library puts its own directory in front.
    door = {path.c_str(), fd};
    u_int32_t flags = options.create     ? DB_CREATE | DB_TRUNCATE
                      : options.writable ? 0
                                         : DB_RDONLY;
    error =
        raw->open(raw, nullptr, path.c_str(), nullptr,
                  kind == BerkeleyKind::Hash ? DB_HASH : DB_BTREE, flags, 0644);
    door = {};
  }
  if (error != 0) {
    // Codes of the library's own mean that this is no such database.
    return fail_errno("open database " + path, error < 0 ? EINVAL : error);
  }
  return db;
}

}  // namespace mail::maps
