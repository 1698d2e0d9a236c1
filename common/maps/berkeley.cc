#include "common/maps/berkeley.h"

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

thread_local int unsynced = 0;

int sync_unless_told(int fd) { return unsynced > 0 ? 0 : ::fdatasync(fd); }

void hook_library() {
  static const bool hooked = [] {
    db_env_set_func_open(open_by_door);
    db_env_set_func_exists(exists_by_door);
    db_env_set_func_fsync(sync_unless_told);
    return true;
  }();
  (void)hooked;
}

int set_up(DB* db, const BerkeleyOptions& options) {
  // Errors come back as codes; nothing of the library's goes to stderr.
  db->set_errcall(db, [](const DB_ENV*, const char*, const char*) {});
  // The library adds a quarter to small caches for its own needs.
  size_t giga = options.cache >> 30;
  size_t rest = options.cache & ((1u << 30) - 1);
  if (int e = db->set_cachesize(db, static_cast<u_int32_t>(giga),
                                static_cast<u_int32_t>(rest), 1)) {
    return e;
  }
  // No guess of a hash table's size: the library's own growth gives files
  // half as large, and with a cache that holds them costs little.
  return options.create ? db->set_pagesize(db, 4096) : 0;
}

/// The library takes a page that is not in the file for an empty one: whatever
/// stood there would be "not found". A file has as many pages as its first one
/// says (db_page.h of the library: size at 20, last number at 32).
Result<> check_whole(int fd, const std::string& path) {
  uint32_t head[9];
  struct stat info{};
  if (pread(fd, head, sizeof head, 0) != sizeof head || fstat(fd, &info) != 0) {
    return {};
  }
  constexpr uint32_t kHashMagic = 0x061561, kBtreeMagic = 0x053162;
  uint32_t magic = head[3], page = head[5], last = head[8];
  if (__builtin_bswap32(magic) == kHashMagic ||
      __builtin_bswap32(magic) == kBtreeMagic) {
    page = __builtin_bswap32(page);
    last = __builtin_bswap32(last);
  }
  int64_t want = (int64_t{last} + 1) * page;
  if (info.st_size >= want) return {};
  return fail(Error{Fault::Temporary,
                    fmt::format("open database {}: it is cut short: {} bytes "
                                "of {}",
                                path, info.st_size, want),
                    EINVAL});
}

}  // namespace

Unsynced::Unsynced() { ++unsynced; }
Unsynced::~Unsynced() { --unsynced; }

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
  int error = set_up(raw, options);
  if (error == 0) {
    // Absolute, or the library puts its own directory in front. Mapped into
    // memory a damaged number of a page would kill us (SIGBUS).
    door = {path.c_str(), fd};
    u_int32_t flags = options.create     ? DB_CREATE | DB_TRUNCATE
                      : options.writable ? 0
                                         : DB_RDONLY | DB_NOMMAP;
    error =
        raw->open(raw, nullptr, path.c_str(), nullptr,
                  kind == BerkeleyKind::Hash ? DB_HASH : DB_BTREE, flags, 0644);
    door = {};
  }
  if (error != 0) {
    // Codes of the library's own mean that this is no such database.
    return fail_errno("open database " + path, error < 0 ? EINVAL : error);
  }
  if (!options.writable) TRY(check_whole(fd, path));
  return db;
}

}  // namespace mail::maps
