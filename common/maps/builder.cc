#include "common/maps/builder.h"

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <lmdb.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/file.h"
#include "common/base/lmdb_pages.h"
#include "common/log/log.h"
#include "common/maps/berkeley.h"
#include "common/maps/fold.h"
#include "common/maps/lmdb_env.h"

namespace mail::maps {
namespace {

/// Room for all pages, so that none is written twice; the rest is the disk's.
constexpr size_t kMostCache = size_t{1} << 30;

Result<> lock_exclusively(int fd, const std::string& path) {
  while (::flock(fd, LOCK_EX) < 0) {
    if (errno != EINTR) {
      return fail_errno("lock " + path + " for exclusive access", errno);
    }
  }
  return {};
}

// Somebody may have renamed another file over it while we waited.
bool is_still(int fd, const std::string& path) {
  struct stat ours{}, there{};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &there) == 0 &&
         ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

}  // namespace

Builder::Builder(Kind kind, std::string name, Options options)
    : kind_(kind),
      name_(std::move(name)),
      path_(name_ + (kind == Kind::Lmdb ? ".lmdb" : ".db")),
      temporary_(path_ + ".tmp"),
      options_(std::move(options)) {}

Builder::~Builder() {
  if (made_) ::unlink(temporary_.c_str());
}

std::string Builder::label() const {
  return kind_ == Kind::Lmdb ? "lmdb:" + name_ : path_;
}

Result<std::unique_ptr<Builder>> Builder::begin(std::string_view type,
                                                const std::string& name,
                                                Options options) {
  Kind kind{};
  if (type == "hash") {
    kind = Kind::Hash;
  } else if (type == "btree") {
    kind = Kind::Btree;
  } else if (type == "lmdb") {
    kind = Kind::Lmdb;
  } else {
    // An unknown type, or one that cannot be made.
    auto known = open_table(fmt::format("{}:x", type), options.open);
    std::string text =
        known || !known.error().what.starts_with("unsupported")
            ? fmt::format(
                  "unsupported dictionary type: {} does not support "
                  "bulk-mode creation.",
                  type)
        : known.error().what.ends_with(')')
            ? known.error().what
            : fmt::format("{}. Is the postfix-{} package installed?",
                          known.error().what, type);
    return fail(Fault::Config, std::move(text));
  }
  std::unique_ptr<Builder> builder(new Builder(kind, name, std::move(options)));
  TRY(builder->lock());
  TRY(builder->open_temporary());
  return builder;
}

Result<> Builder::lock() {
  while (true) {
    old_.reset(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!old_) {
      if (errno == ENOENT) return {};
      return fail_errno("open database " + path_, errno);
    }
    TRY(lock_exclusively(old_.get(), path_));
    if (!is_still(old_.get(), path_)) continue;
    struct stat status{};
    if (kind_ != Kind::Lmdb && ::fstat(old_.get(), &status) == 0 &&
        status.st_size == 0) {
      warn("removing zero-length database file: " + path_);
    }
    return {};
  }
}

Result<> Builder::open_temporary() {
  while (true) {
    new_.reset(::open(temporary_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC,
                      options_.mode));
    if (!new_) {
      if ((errno != EACCES && errno != EROFS) || !old_) {
        return fail_errno("open database " + path_, errno);
      }
      in_place_ = true;
      return {};
    }
    TRY(lock_exclusively(new_.get(), temporary_));
    if (is_still(new_.get(), temporary_)) break;
  }
  made_ = true;
  if (::ftruncate(new_.get(), 0) < 0) {
    return fail_errno("open database " + path_, errno);
  }
  struct stat before{};
  if (old_ && ::fstat(old_.get(), &before) == 0) {
    // The database keeps its mode and owner, as when written in place.
    (void)!::fchown(new_.get(), before.st_uid, before.st_gid);
    (void)::fchmod(new_.get(), before.st_mode & 0777);
  }
  return {};
}

Result<> Builder::add(std::string_view key, std::string_view value) {
  int flags = options_.open.flags;
  if ((flags & flag::kFoldFix) != 0) {
    key = fold_case(key, (flags & flag::kUtf8Request) != 0, fold_buffer_);
  }
  key_buffer_.assign(key);
  value_buffer_.assign(value);
  // With NULs, unless only the other way is asked for.
  if ((flags & flag::kTry1Null) != 0 || (flags & flag::kTry0Null) == 0) {
    key_buffer_ += '\0';
    value_buffer_ += '\0';
  }
  bool replace = (flags & flag::kDupReplace) != 0;
  if (entries_.add(key_buffer_, value_buffer_, replace) || replace) return {};
  if ((flags & flag::kDupIgnore) != 0) return {};
  std::string text = fmt::format("{}: duplicate entry: \"{}\"", label(), key);
  if ((flags & flag::kDupWarn) == 0) {
    return fail(Fault::Config, std::move(text));
  }
  warn(text);
  return {};
}

void Builder::warn(std::string_view text) const {
  if (options_.open.warn) {
    options_.open.warn(text);
  } else {
    log::warning(text);
  }
}

void Builder::add_raw(std::string_view key, std::string_view value) {
  entries_.add(key, value, /*replace=*/true);
}

Result<> Builder::write_berkeley(int fd, const std::string& path) {
  BerkeleyOptions how;
  how.create = true;
  how.writable = true;
  how.cache = std::clamp(entries_.bytes() * 3 + entries_.size() * 24,
                         options_.open.write_cache, kMostCache);
  bool hash = kind_ == Kind::Hash;
  Unsynced until_finish;
  auto db = TRY(open_berkeley(
      fd, path, hash ? BerkeleyKind::Hash : BerkeleyKind::Btree, how));
  std::vector<uint32_t> order;
  if (!hash) order = entries_.sorted();
  for (size_t i = 0; i < entries_.size(); ++i) {
    EntrySet::Entry entry = entries_.at(hash ? i : order[i]);
    DBT key, value;
    memset(&key, 0, sizeof key);
    memset(&value, 0, sizeof value);
    key.data = const_cast<char*>(entry.key.data());
    key.size = static_cast<u_int32_t>(entry.key.size());
    value.data = const_cast<char*>(entry.value.data());
    value.size = static_cast<u_int32_t>(entry.value.size());
    int error = db->put(db.get(), nullptr, &key, &value, 0);
    if (error != 0) return fail_errno("error writing " + path_, error);
  }
  if (int error = db->sync(db.get(), 0)) {
    return fail_errno("error writing " + path_, error);
  }
  return {};
}

Result<> Builder::write_lmdb(const std::string& path) {
  if (in_place_ && !check_lmdb_pages(old_.get(), LmdbWalk::Always) &&
      ::ftruncate(old_.get(), 0) < 0) {
    return fail_errno("error writing " + path_, errno);
  }
  size_t size = options_.open.lmdb_map_size;
  while (size < entries_.bytes() * 3) size *= 2;
  auto env = TRY(open_lmdb_env(path, size, /*writable=*/true));
  auto failed = [&](int error) {
    return fail(Fault::Temporary, fmt::format("error writing {}: {}", path_,
                                              mdb_strerror(error)));
  };
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  int error = mdb_txn_begin(env.get(), nullptr, 0, &txn);
  if (error != 0) return failed(error);
  error = mdb_dbi_open(txn, nullptr, 0, &dbi);
  if (error == 0 && in_place_) error = mdb_drop(txn, dbi, 0);
  for (uint32_t index : entries_.sorted()) {
    if (error != 0) break;
    EntrySet::Entry entry = entries_.at(index);
    MDB_val key{entry.key.size(), const_cast<char*>(entry.key.data())};
    MDB_val value{entry.value.size(), const_cast<char*>(entry.value.data())};
    error = mdb_put(txn, dbi, &key, &value, MDB_APPEND);
  }
  if (error != 0) {
    mdb_txn_abort(txn);
    return failed(error);
  }
  error = mdb_txn_commit(txn);
  if (error == 0) error = mdb_env_sync(env.get(), 1);
  if (error != 0) return failed(error);
  return {};
}

Result<> Builder::finish() {
  int fd = in_place_ ? old_.get() : new_.get();
  const std::string& path = in_place_ ? path_ : temporary_;
  if (kind_ == Kind::Lmdb) {
    TRY(write_lmdb(path));
  } else {
    TRY(write_berkeley(fd, path));
  }
  if (::fsync(fd) < 0) return fail_errno("error writing " + path_, errno);
  if (in_place_) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) < 0) {
    return fail_errno("rename " + temporary_, errno);
  }
  made_ = false;
  return sync_directory_of(path_);
}

}  // namespace mail::maps
