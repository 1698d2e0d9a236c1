#include "common/mailbox/index_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/file.h"
#include "common/base/lmdb_pages.h"
#include "common/mailbox/permissions.h"

namespace mail::mailbox {

namespace {

constexpr unsigned kMaxReaders = 512;
// 64 octets a reader and a head; a larger file has more readers.
constexpr off_t kLockFile = 36 << 10;
constexpr size_t kSmallestMap = 4 << 20;
constexpr std::chrono::seconds kWorthSyncing{60};

MDB_val value_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
std::string_view view_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// Which run of the kernel this is; empty: it does not say.
const std::string& boot_id() {
  static const std::string id =
      read_file("/proc/sys/kernel/random/boot_id", 128).value_or("");
  return id;
}

struct Cursor {
  explicit Cursor(MDB_txn* txn, unsigned dbi) {
    if (mdb_cursor_open(txn, dbi, &cursor) != 0) cursor = nullptr;
  }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor() {
    if (cursor) mdb_cursor_close(cursor);
  }
  MDB_cursor* cursor = nullptr;
};

}  // namespace

std::optional<std::string_view> IndexFile::Transaction::get(
    std::string_view key) {
  MDB_val k = value_of(key), v;
  if (mdb_get(txn_, dbi_, &k, &v) != 0) return std::nullopt;
  return view_of(v);
}

bool IndexFile::Transaction::put(std::string_view key, std::string_view value) {
  if (error_) return false;
  MDB_val k = value_of(key), v = value_of(value);
  error_ = mdb_put(txn_, dbi_, &k, &v, 0);
  return error_ == 0;
}

bool IndexFile::Transaction::append(std::string_view key,
                                    std::string_view value) {
  if (error_) return false;
  MDB_val k = value_of(key), v = value_of(value);
  int error = mdb_put(txn_, dbi_, &k, &v, MDB_APPEND);
  if (error == MDB_KEYEXIST) return put(key, value);
  error_ = error;
  return error_ == 0;
}

uint64_t IndexFile::Transaction::id() const { return mdb_txn_id(txn_); }

void IndexFile::Transaction::remove(std::string_view key) {
  if (error_) return;
  MDB_val k = value_of(key);
  int error = mdb_del(txn_, dbi_, &k, nullptr);
  if (error != MDB_NOTFOUND) error_ = error;
}

void IndexFile::Transaction::walk(
    std::string_view prefix,
    const std::function<bool(std::string_view, std::string_view)>& each) {
  walk_from(prefix, prefix, each);
}

void IndexFile::Transaction::walk_from(
    std::string_view first, std::string_view prefix,
    const std::function<bool(std::string_view, std::string_view)>& each) {
  Cursor cursor(txn_, dbi_);
  if (!cursor.cursor) return;
  MDB_val k = value_of(first), v;
  int error = mdb_cursor_get(cursor.cursor, &k, &v,
                             first.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (error == 0 && view_of(k).starts_with(prefix)) {
    if (!each(view_of(k), view_of(v))) return;
    error = mdb_cursor_get(cursor.cursor, &k, &v, MDB_NEXT);
  }
}

void IndexFile::Transaction::remove_prefix(std::string_view prefix) {
  if (error_) return;
  Cursor cursor(txn_, dbi_);
  if (!cursor.cursor) return;
  MDB_val k = value_of(prefix), v;
  int error = mdb_cursor_get(cursor.cursor, &k, &v, MDB_SET_RANGE);
  while (error == 0 && view_of(k).starts_with(prefix)) {
    error_ = mdb_cursor_del(cursor.cursor, 0);
    if (error_) return;
    // After a removal this gives what has moved into the place.
    error = mdb_cursor_get(cursor.cursor, &k, &v, MDB_NEXT);
  }
}

/// While a reader's transaction keeps the pages that we look at.
bool IndexFile::looks_whole() const {
  int fd = -1;
  return mdb_env_get_fd(env_, &fd) == 0 &&
         check_lmdb_pages(fd, LmdbWalk::WhenShort);
}

bool IndexFile::open_environment(int& error) {
  // Under a vsz_limit the address space is small: the map takes what there is.
  size_t size = size_;
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    size = std::min<size_t>(size, limit.rlim_cur / 4);
  }
  while (!open_environment(size, error)) {
    if (error != ENOMEM || size <= kSmallestMap) return false;
    size /= 2;
  }
  return true;
}

/// Room for the locks before they are mapped: who writes to a page that a full
/// disk has no room for is killed. Returns an errno, 0: there is room.
int IndexFile::reserve_locks(mode_t mode) const {
  UniqueFd fd(::open((path_ + "-lock").c_str(),
                     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode));
  struct stat info;
  if (!fd || fstat(fd.get(), &info) != 0) return errno;
  if (info.st_size >= kLockFile && info.st_blocks * 512 >= info.st_size) {
    return 0;
  }
  off_t size = std::max<off_t>(kLockFile, info.st_size);
  if (fallocate(fd.get(), 0, 0, size) == 0 || errno == EOPNOTSUPP) return 0;
  return errno;
}

bool IndexFile::open_environment(size_t size, int& error) {
  mode_t mode = Permissions::of(path_.substr(0, path_.rfind('/'))).file;
  error = reserve_locks(mode);
  if (!error) error = mdb_env_create(&env_);
  if (error) return false;
  mdb_env_set_mapsize(env_, size);
  mdb_env_set_maxreaders(env_, kMaxReaders);
  error = mdb_env_open(env_, path_.c_str(),
                       MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOTLS, mode);
  if (!error) {
    int dead = 0;
    mdb_reader_check(env_, &dead);
    MDB_txn* txn = nullptr;
    error = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
    if (!error && !looks_whole()) {
      mdb_txn_abort(txn);
      error = MDB_CORRUPTED;
    }
    if (!error) {
      error = mdb_dbi_open(txn, nullptr, 0, &dbi_);
      // The reader is kept; renewing it is cheap.
      mdb_txn_reset(txn);
      reader_ = txn;
    }
  }
  if (error) close_environment();
  return error == 0;
}

void IndexFile::close_environment() {
  if (reader_) mdb_txn_abort(reader_);
  if (env_) mdb_env_close(env_);
  reader_ = nullptr;
  env_ = nullptr;
}

void IndexFile::remove_files() const {
  for (const char* ending : {"", "-lock", ".boot"}) {
    unlink((path_ + ending).c_str());
  }
}

/// Opens or makes the file; one process at a time.
bool IndexFile::open_locked(int& error) {
  UniqueFd directory(::open(path_.substr(0, path_.rfind('/')).c_str(),
                            O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || flock(directory.get(), LOCK_EX) != 0) {
    error = errno;
    return false;
  }
  auto written_in = read_file(path_ + ".boot", 128);
  struct stat info;
  bool other_boot =
      written_in && !boot_id().empty() && *written_in != boot_id();
  // The locks of a file that was removed are not those of a new one.
  if (other_boot || stat(path_.c_str(), &info) != 0) remove_files();
  if (open_environment(error)) return true;
  for (int not_its_fault :
       {EACCES, EPERM, EROFS, ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM}) {
    if (error == not_its_fault) return false;
  }
  remove_files();
  return open_environment(error);
}

std::shared_ptr<IndexFile> IndexFile::open(const std::string& directory,
                                           size_t size, std::string& why) {
  auto made = Permissions::of(directory).make_directories(directory);
  if (!made) {
    why = made.error().what;
    return nullptr;
  }
  std::shared_ptr<IndexFile> out(
      new IndexFile(directory + "/postcote.index", size));
  int error = 0;
  if (out->open_locked(error)) return out;
  why = fmt::format("open({}) failed: {}", out->path_, mdb_strerror(error));
  return nullptr;
}

bool IndexFile::renew() {
  if (env_ && !removed()) return true;
  ++generation_;
  close_environment();
  marker_.reset();
  marked_ = false;
  int error = 0;
  return open_locked(error);
}

void IndexFile::mark_written() {
  if (marked_) return;
  std::string path = path_ + ".boot";
  marker_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!marker_) return;
  flock(marker_.get(), LOCK_SH | LOCK_NB);
  struct stat info;
  if (fstat(marker_.get(), &info) == 0 && info.st_size == 0) {
    // On disk before anything of the index can be, in any order.
    if (!write_all(marker_.get(), boot_id()) || fsync(marker_.get()) != 0 ||
        !sync_directory_of(path)) {
      return;
    }
  }
  marked_ = true;
}

IndexFile::~IndexFile() {
  if (!env_) return;
  // Short visits leave the marker: it costs something only after a crash.
  if (marked_ && Clock::now() - opened_ > kWorthSyncing && !removed() &&
      flock(marker_.get(), LOCK_EX | LOCK_NB) == 0 &&
      mdb_env_sync(env_, 1) == 0) {
    unlink((path_ + ".boot").c_str());
  }
  close_environment();
}

bool IndexFile::removed() const {
  int fd = -1;
  struct stat info;
  return mdb_env_get_fd(env_, &fd) != 0 || fstat(fd, &info) != 0 ||
         info.st_nlink == 0;
}

uint64_t IndexFile::last_write() const {
  if (!env_) return 0;
  MDB_envinfo info;
  return mdb_env_info(env_, &info) == 0 ? info.me_last_txnid : 0;
}

bool IndexFile::read(const std::function<void(Transaction&)>& work) {
  if (!env_ || mdb_txn_renew(reader_) != 0) return false;
  Transaction transaction(reader_, dbi_);
  work(transaction);
  mdb_txn_reset(reader_);
  return true;
}

bool IndexFile::write(const std::function<void(Transaction&)>& work) {
  if (!env_) return false;
  mark_written();
  MDB_txn* txn = nullptr;
  if (mdb_txn_begin(env_, nullptr, 0, &txn) != 0) return false;
  Transaction transaction(txn, dbi_);
  work(transaction);
  if (transaction.error_) {
    mdb_txn_abort(txn);
    // A reader that was killed holds all pages since.
    int dead = 0;
    mdb_reader_check(env_, &dead);
    return false;
  }
  return mdb_txn_commit(txn) == 0;
}

std::shared_ptr<IndexFile> IndexFiles::open(const std::string& directory,
                                            size_t size, std::string& why) {
  auto it = files_.find(directory);
  if (it != files_.end()) {
    if (auto file = it->second.lock()) return file;
  }
  auto file = IndexFile::open(directory, size, why);
  if (file) files_[directory] = file;
  return file;
}

}  // namespace mail::mailbox
