#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <lmdb.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/base/lmdb_pages.h"
#include "common/maps/change.h"
#include "common/maps/flock.h"
#include "common/maps/lmdb_env.h"
#include "common/maps/types.h"
#include "common/maps/watched_path.h"

namespace mail::maps {

void LmdbCloser::operator()(MDB_env* env) const { mdb_env_close(env); }

Result<LmdbHandle> open_lmdb_env(const std::string& path, size_t map_size,
                                 bool writable) {
  MDB_env* raw = nullptr;
  int error = mdb_env_create(&raw);
  LmdbHandle env(raw);
  if (error == 0) error = mdb_env_set_mapsize(raw, map_size);
  if (error == 0) {
    unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | (writable ? 0u : MDB_RDONLY);
    error = mdb_env_open(raw, path.c_str(), flags, 0644);
  }
  if (error != 0) {
    return fail_errno("open database " + path, error < 0 ? EINVAL : error);
  }
  return env;
}

namespace {

MDB_val lend(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

std::string until_nul(const MDB_val& value) {
  const char* data = static_cast<const char*>(value.mv_data);
  return std::string(data, strnlen(data, value.mv_size));
}

class LmdbTable : public Table {
 public:
  LmdbTable(const std::string& name, const OpenOptions& options)
      : Table("lmdb:" + name, options, flag::kFixed | flag::kMultiWriter),
        map_size_(options.lmdb_map_size),
        watched_(name + ".lmdb", options.root) {
    if ((flags_ & (flag::kTry0Null | flag::kTry1Null)) == 0) {
      flags_ |= flag::kTry0Null | flag::kTry1Null;
    }
  }
  Result<> open();
  int fd() const { return fd_.get(); }
  void refresh(Instant now) override;
  Result<std::optional<Entry>> first() override {
    last_.clear();
    return next();
  }
  Result<std::optional<Entry>> next() override;

 protected:
  Result<Found> get(std::string_view key) override;
  Result<bool> put(std::string_view key, std::string_view value) override;
  Result<bool> erase(std::string_view key) override;

 private:
  bool writable() const { return (options_.mode & O_RDWR) != 0; }
  int lock_fd() const {
    return (flags_ & flag::kOpenLock) != 0 ? -1 : fd_.get();
  }
  Failure failed(std::string_view what, int error) const {
    return fail(Fault::Temporary,
                fmt::format("error {} {}: {}", what, watched_.path(),
                            mdb_strerror(error)));
  }
  Result<> check_pages();
  Result<MDB_txn*> begin(unsigned flags);
  /// 0, MDB_NOTFOUND, or another error; what `work` gives, in a transaction
  /// that is tried again in a larger map.
  template <class Work>
  Result<int> write(Work work);

  size_t map_size_;
  off_t checked_ = 0;  // bytes of the file when its pages were looked at
  WatchedPath watched_;
  UniqueFd fd_;  // for locks
  LmdbHandle env_;
  MDB_dbi dbi_ = 0;
  std::string last_;  // key that next() gave, as stored
};

Result<> LmdbTable::open() {
  fd_ = TRY(watched_.open(options_.mode & ~O_TRUNC));
  bool for_good = (flags_ & flag::kOpenLock) != 0;
  int wait = (flags_ & flag::kBulk) != 0 ? 0 : LOCK_NB;
  if (for_good && ::flock(fd_.get(), LOCK_EX | wait) < 0) {
    return fail_errno("lock " + watched_.path() + " for exclusive access",
                      errno);
  }
  FileLock lock(lock_fd(), writable() ? LOCK_EX : LOCK_SH);
  watched_.seen(fd_.get());
  // A new one is empty.
  if (!writable() || watched_.stamp().size > 0) TRY(check_pages());
  map_size_ = std::max(map_size_, static_cast<size_t>(watched_.stamp().size));
  auto env = open_lmdb_env(watched_.path(), map_size_, writable());
  if (!env) return fail(std::move(env).error());
  env_ = std::move(*env);
  MDB_txn* txn = TRY(begin(writable() ? 0 : MDB_RDONLY));
  if (int e = mdb_dbi_open(txn, nullptr, 0, &dbi_)) {
    mdb_txn_abort(txn);
    return failed("opening", e);
  }
  if (int e = mdb_txn_commit(txn)) return failed("opening", e);
  return {};
}

// The library never makes a file shorter: who did may have cut it.
Result<> LmdbTable::check_pages() {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) {
    return fail_errno("stat " + watched_.path(), errno);
  }
  if (env_ && status.st_size >= checked_) return {};
  auto sound = check_lmdb_pages(fd_.get(), LmdbWalk::Always);
  if (!sound) {
    return fail(Fault::Temporary,
                fmt::format("open database {}: {}; it must be made anew",
                            watched_.path(), sound.error().what));
  }
  checked_ = status.st_size;
  return {};
}

// A grown file of another process's is mapped anew.
Result<MDB_txn*> LmdbTable::begin(unsigned flags) {
  TRY(check_pages());
  MDB_txn* txn = nullptr;
  int error = mdb_txn_begin(env_.get(), nullptr, flags, &txn);
  if (error == MDB_MAP_RESIZED) {
    error = mdb_env_set_mapsize(env_.get(), 0);
    if (error == 0) error = mdb_txn_begin(env_.get(), nullptr, flags, &txn);
  }
  if (error != 0) return failed("opening", error);
  return txn;
}

// Written in place, the next transaction sees it; only another file must be
// opened.
void LmdbTable::refresh(Instant now) {
  if ((flags_ & flag::kOpenLock) != 0 || !watched_.changed(now)) return;
  auto fd = watched_.open(O_RDONLY);
  struct stat status{};
  if (!fd) {
    if (fd.error().sys == EACCES && options_.restart) options_.restart();
    return;
  }
  if (::fstat(fd->get(), &status) != 0) return;
  if (status.st_ino == watched_.stamp().inode &&
      status.st_dev == watched_.stamp().device) {
    watched_.seen(fd->get());
    return;
  }
  inform(change_text(*this, options_));
  auto old_fd = std::move(fd_);
  auto old_env = std::move(env_);
  if (open()) return;
  // The library opens by path, which may be outside of our root.
  fd_ = std::move(old_fd);
  env_ = std::move(old_env);
  watched_.seen(fd_.get());
  if (options_.restart) options_.restart();
}

Result<Table::Found> LmdbTable::get(std::string_view key) {
  FileLock lock(lock_fd(), LOCK_SH);
  MDB_txn* txn = TRY(begin(MDB_RDONLY));
  std::string stored(key);
  stored += '\0';
  Found found;
  int error = 0;
  for (int flag : {flag::kTry1Null, flag::kTry0Null}) {
    if ((flags_ & flag) == 0) continue;
    std::string_view bytes = stored;
    if (flag == flag::kTry0Null) bytes.remove_suffix(1);
    MDB_val k = lend(bytes), v;
    error = mdb_get(txn, dbi_, &k, &v);
    if (error != 0) continue;
    found = until_nul(v);
    flags_ &= ~(flag ^ (flag::kTry0Null | flag::kTry1Null));
    break;
  }
  mdb_txn_abort(txn);
  if (error != 0 && error != MDB_NOTFOUND && error != MDB_BAD_VALSIZE) {
    return failed("reading", error);
  }
  return found;
}

template <class Work>
Result<int> LmdbTable::write(Work work) {
  while (true) {
    MDB_txn* txn = TRY(begin(0));
    int error = work(txn);
    if (error == 0) {
      error = mdb_txn_commit(txn);
    } else {
      mdb_txn_abort(txn);
    }
    if (error != MDB_MAP_FULL) return error;
    MDB_envinfo info;
    mdb_env_info(env_.get(), &info);
    error = mdb_env_set_mapsize(env_.get(), info.me_mapsize * 2);
    if (error != 0) return failed("resizing", error);
  }
}

Result<bool> LmdbTable::put(std::string_view key, std::string_view value) {
  std::string stored_key(key), stored_value(value);
  if ((flags_ & flag::kTry1Null) != 0) {
    stored_key += '\0';
    stored_value += '\0';
  }
  bool replace = (flags_ & flag::kDupReplace) != 0;
  FileLock lock(lock_fd(), LOCK_EX);
  int error = TRY(write([&](MDB_txn* txn) {
    MDB_val k = lend(stored_key), v = lend(stored_value);
    return mdb_put(txn, dbi_, &k, &v, replace ? 0 : MDB_NOOVERWRITE);
  }));
  if (error == 0) return true;
  if (error != MDB_KEYEXIST) return failed("writing", error);
  if ((flags_ & flag::kDupIgnore) != 0) return false;
  std::string text = fmt::format("{}: duplicate entry: \"{}\"", name_, key);
  if ((flags_ & flag::kDupWarn) == 0) return fail(Fault::Config, text);
  warn(text);
  return false;
}

Result<bool> LmdbTable::erase(std::string_view key) {
  std::string stored(key);
  stored += '\0';
  FileLock lock(lock_fd(), LOCK_EX);
  for (int flag : {flag::kTry1Null, flag::kTry0Null}) {
    if ((flags_ & flag) == 0) continue;
    std::string_view bytes = stored;
    if (flag == flag::kTry0Null) bytes.remove_suffix(1);
    int error = TRY(write([&](MDB_txn* txn) {
      MDB_val k = lend(bytes);
      return mdb_del(txn, dbi_, &k, nullptr);
    }));
    if (error == 0) return true;
    if (error != MDB_NOTFOUND) return failed("deleting from", error);
  }
  return false;
}

Result<std::optional<Table::Entry>> LmdbTable::next() {
  FileLock lock(lock_fd(), LOCK_SH);
  MDB_txn* txn = TRY(begin(MDB_RDONLY));
  MDB_cursor* cursor = nullptr;
  int error = mdb_cursor_open(txn, dbi_, &cursor);
  MDB_val k = lend(last_), v;
  if (error == 0) {
    error = mdb_cursor_get(cursor, &k, &v,
                           last_.empty() ? MDB_FIRST : MDB_SET_RANGE);
    std::string_view at(static_cast<const char*>(k.mv_data), k.mv_size);
    if (error == 0 && !last_.empty() && at == last_) {
      error = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
  }
  std::optional<Entry> entry;
  if (error == 0) {
    last_.assign(static_cast<const char*>(k.mv_data), k.mv_size);
    entry = Entry(until_nul(k), until_nul(v));
  }
  if (cursor != nullptr) mdb_cursor_close(cursor);
  mdb_txn_abort(txn);
  if (error != 0 && error != MDB_NOTFOUND) return failed("seeking", error);
  return entry;
}

}  // namespace

Opened open_lmdb(const std::string& name, const OpenOptions& options) {
  auto table = std::make_unique<LmdbTable>(name, options);
  TRY(table->open());
  warn_if_older(table->fd(), name, options, ".lmdb");
  return Opened(std::move(table));
}

}  // namespace mail::maps
