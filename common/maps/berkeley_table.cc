#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "common/maps/berkeley.h"
#include "common/maps/change.h"
#include "common/maps/flock.h"
#include "common/maps/types.h"
#include "common/maps/watched_path.h"

namespace mail::maps {
namespace {

constexpr size_t kMostBulkCache = size_t{256} << 20;

DBT borrow(std::string_view bytes) {
  DBT dbt;
  memset(&dbt, 0, sizeof dbt);
  dbt.data = const_cast<char*>(bytes.data());
  dbt.size = static_cast<u_int32_t>(bytes.size());
  return dbt;
}

// What the original reads: a C string.
std::string until_nul(const DBT& dbt) {
  const char* data = static_cast<const char*>(dbt.data);
  return std::string(data, strnlen(data, dbt.size));
}

class BerkeleyTable : public Table {
 public:
  BerkeleyTable(std::string name, std::string path, const OpenOptions& options,
                BerkeleyKind kind)
      : Table(std::move(name), options, flag::kFixed),
        kind_(kind),
        watched_(std::move(path), options.root) {
    if ((flags_ & (flag::kTry0Null | flag::kTry1Null)) == 0) {
      flags_ |= flag::kTry0Null | flag::kTry1Null;
    }
  }
  ~BerkeleyTable() override;

  Result<> open();
  int fd() const { return fd_.get(); }
  void refresh(Instant now) override;
  Result<> flush() override;
  Result<std::optional<Entry>> first() override { return step(DB_FIRST); }
  Result<std::optional<Entry>> next() override { return step(DB_NEXT); }

 protected:
  Result<Found> get(std::string_view key) override;
  Result<bool> put(std::string_view key, std::string_view value) override;
  Result<bool> erase(std::string_view key) override;

 private:
  bool writable() const { return (options_.mode & O_RDWR) != 0; }
  int lock_fd() const {
    return (flags_ & flag::kLock) != 0 && (flags_ & flag::kOpenLock) == 0
               ? fd_.get()
               : -1;
  }
  bool reads_in_bulk() const {
    return (flags_ & flag::kBulk) != 0 && !writable();
  }
  Result<> hold();
  Result<> attach();
  Result<> follow_changes();
  Result<> written();
  Result<int> try_get(std::string_view key, DBT& value);
  Result<std::optional<Entry>> step(u_int32_t where);
  Failure failed(std::string_view what, int error) const;

  BerkeleyKind kind_;
  WatchedPath watched_;
  UniqueFd fd_;
  BerkeleyHandle db_;
  DBC* cursor_ = nullptr;
  bool held_ = false;   // locked by hold()
  bool dirty_ = false;  // our changes are not all in the file
  std::string with_nul_;
};

BerkeleyTable::~BerkeleyTable() {
  if (cursor_ != nullptr) cursor_->close(cursor_);
  if (db_ != nullptr && dirty_) db_->sync(db_.get(), 0);
}

Failure BerkeleyTable::failed(std::string_view what, int error) const {
  std::string reason = error < 0 ? db_strerror(error) : strerror(error);
  return fail(Fault::Temporary,
              fmt::format("error {} {}: {}", what, watched_.path(), reason));
}

// The file as it is now becomes the database. Under a lock.
Result<> BerkeleyTable::attach() {
  if (cursor_ != nullptr) cursor_->close(cursor_);
  cursor_ = nullptr;
  db_.reset();
  watched_.seen(fd_.get());
  BerkeleyOptions how;
  how.cache = writable() ? options_.write_cache : options_.read_cache;
  if ((flags_ & flag::kOpenLock) != 0) how.cache = options_.read_cache;
  // A command with many keys reads each page once.
  if (reads_in_bulk()) {
    auto size = static_cast<size_t>(watched_.stamp().size);
    how.cache = std::clamp(size / 4 * 5, how.cache, kMostBulkCache);
  }
  how.writable = writable();
  how.create = writable() && (options_.mode & O_CREAT) != 0 &&
               watched_.stamp().size == 0;
  db_ = TRY(open_berkeley(fd_.get(), watched_.path(), kind_, how));
  if (how.create) {
    if (int e = db_->sync(db_.get(), 0)) return failed("writing", e);
    watched_.seen(fd_.get());
  }
  return {};
}

Result<> BerkeleyTable::open() {
  struct stat before{};
  if (writable() && ::stat(watched_.path().c_str(), &before) == 0 &&
      before.st_size == 0) {
    warn("removing zero-length database file: " + watched_.path());
  }
  fd_ = TRY(watched_.open(options_.mode & ~O_TRUNC));
  bool for_good = (flags_ & flag::kOpenLock) != 0;
  // Commands wait (kBulk); two daemons with one cache are a mistake.
  int wait = (flags_ & flag::kBulk) != 0 ? 0 : LOCK_NB;
  if (for_good && ::flock(fd_.get(), LOCK_EX | wait) < 0) {
    return fail_errno("lock " + watched_.path() + " for exclusive access",
                      errno);
  }
  FileLock lock(for_good ? -1 : fd_.get(), writable() ? LOCK_EX : LOCK_SH);
  return attach();
}

// Under a lock: what others have written since is read anew.
Result<> BerkeleyTable::follow_changes() {
  if ((flags_ & flag::kOpenLock) != 0 || dirty_) return {};
  struct stat status{};
  if (db_ != nullptr && ::fstat(fd_.get(), &status) == 0 &&
      FileStamp::of(status) == watched_.stamp()) {
    return {};
  }
  if (!writable() && db_ != nullptr) inform(change_text(*this, options_));
  return attach();
}

void BerkeleyTable::refresh(Instant now) {
  if ((flags_ & flag::kOpenLock) != 0 || dirty_) return;
  if (!watched_.changed(now)) return;
  auto fd = watched_.open(options_.mode & ~(O_TRUNC | O_CREAT));
  if (!fd) {
    if (fd.error().sys == EACCES && options_.restart) {
      inform(change_text(*this, options_));
      options_.restart();
    }
    return;
  }
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0 || status.st_size == 0) return;
  if (status.st_ino == watched_.stamp().inode &&
      status.st_dev == watched_.stamp().device) {
    return;  // written in place: seen under the lock
  }
  fd_ = std::move(*fd);
  db_.reset();
  inform(change_text(*this, options_));
  FileLock lock(fd_.get(), LOCK_SH);
  (void)attach();  // else the next lookup tells why
}

Result<int> BerkeleyTable::try_get(std::string_view key, DBT& value) {
  DBT wanted = borrow(key);
  memset(&value, 0, sizeof value);
  int error = db_->get(db_.get(), nullptr, &wanted, &value, 0);
  if (error != 0 && error != DB_NOTFOUND) return failed("reading", error);
  return error;
}

Result<> BerkeleyTable::hold() {
  if (held_) return {};
  while (::flock(fd_.get(), LOCK_SH) < 0) {
    if (errno != EINTR) break;
  }
  held_ = true;
  return follow_changes();
}

Result<Table::Found> BerkeleyTable::get(std::string_view key) {
  bool bulk = reads_in_bulk();
  FileLock lock(bulk ? -1 : lock_fd(), LOCK_SH);
  if (bulk) {
    TRY(hold());
  } else {
    TRY(follow_changes());
  }
  DBT value;
  if ((flags_ & flag::kTry1Null) != 0) {
    with_nul_.assign(key);
    with_nul_ += '\0';
    if (TRY(try_get(with_nul_, value)) == 0) {
      flags_ &= ~flag::kTry0Null;
      return until_nul(value);
    }
  }
  if ((flags_ & flag::kTry0Null) != 0) {
    if (TRY(try_get(key, value)) == 0) {
      flags_ &= ~flag::kTry1Null;
      return until_nul(value);
    }
  }
  return Found();
}

Result<> BerkeleyTable::written() {
  dirty_ = true;
  if ((flags_ & flag::kOpenLock) != 0 && (flags_ & flag::kSyncUpdate) == 0) {
    return {};
  }
  return flush();
}

Result<> BerkeleyTable::flush() {
  if (held_) ::flock(fd_.get(), LOCK_UN);
  held_ = false;
  if (!dirty_) return {};
  if (int e = db_->sync(db_.get(), 0)) return failed("writing", e);
  dirty_ = false;
  watched_.seen(fd_.get());
  return {};
}

Result<bool> BerkeleyTable::put(std::string_view key, std::string_view value) {
  // Tables are written with NULs unless they are known to have none.
  std::string stored_key(key), stored_value(value);
  if ((flags_ & flag::kTry1Null) != 0) {
    stored_key += '\0';
    stored_value += '\0';
  }
  FileLock lock(lock_fd(), LOCK_EX);
  TRY(follow_changes());
  DBT k = borrow(stored_key), v = borrow(stored_value);
  bool replace = (flags_ & flag::kDupReplace) != 0;
  int error =
      db_->put(db_.get(), nullptr, &k, &v, replace ? 0 : DB_NOOVERWRITE);
  if (error == DB_KEYEXIST) {
    std::string text =
        fmt::format("{}: duplicate entry: \"{}\"", watched_.path(), key);
    if ((flags_ & flag::kDupIgnore) != 0) return false;
    if ((flags_ & flag::kDupWarn) == 0) return fail(Fault::Config, text);
    warn(text);
    return false;
  }
  if (error != 0) return failed("writing", error);
  TRY(written());
  return true;
}

Result<bool> BerkeleyTable::erase(std::string_view key) {
  FileLock lock(lock_fd(), LOCK_EX);
  TRY(follow_changes());
  std::string stored(key);
  stored += '\0';
  for (int flag : {flag::kTry1Null, flag::kTry0Null}) {
    if ((flags_ & flag) == 0) continue;
    std::string_view bytes = stored;
    if (flag == flag::kTry0Null) bytes.remove_suffix(1);
    DBT k = borrow(bytes);
    int error = db_->del(db_.get(), nullptr, &k, 0);
    if (error == DB_NOTFOUND) continue;
    if (error != 0) return failed("deleting from", error);
    TRY(written());
    return true;
  }
  return false;
}

Result<std::optional<Table::Entry>> BerkeleyTable::step(u_int32_t where) {
  FileLock lock(lock_fd(), LOCK_SH);
  if (where == DB_FIRST) TRY(follow_changes());
  if (db_ == nullptr) TRY(attach());
  if (cursor_ == nullptr) {
    if (int e = db_->cursor(db_.get(), nullptr, &cursor_, 0)) {
      return failed("reading", e);
    }
  }
  DBT key = borrow({}), value = borrow({});
  int error = cursor_->get(cursor_, &key, &value, where);
  if (error == DB_NOTFOUND) return std::optional<Entry>();
  if (error != 0) return failed("seeking", error);
  return std::optional<Entry>(Entry(until_nul(key), until_nul(value)));
}

Opened open_berkeley_table(std::string_view type, const std::string& name,
                           const OpenOptions& options, BerkeleyKind kind) {
  auto table = std::make_unique<BerkeleyTable>(fmt::format("{}:{}", type, name),
                                               name + ".db", options, kind);
  TRY(table->open());
  warn_if_older(table->fd(), name, options);
  return Opened(std::move(table));
}

}  // namespace

Opened open_hash(const std::string& name, const OpenOptions& options) {
  return open_berkeley_table("hash", name, options, BerkeleyKind::Hash);
}

Opened open_btree(const std::string& name, const OpenOptions& options) {
  return open_berkeley_table("btree", name, options, BerkeleyKind::Btree);
}

}  // namespace mail::maps
