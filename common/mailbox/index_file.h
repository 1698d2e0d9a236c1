#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/clock.h"
#include "common/base/unique_fd.h"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace mail::mailbox {

/// A key-value file beside the mailboxes of one namespace, several processes
/// at once: postcote.index, by LMDB. Only a cache: whoever finds it broken
/// removes it, and it may be removed at any moment. It is not synced when
/// written: postcote.index.boot names the boot it was written in, and after a
/// crash of the whole machine both are thrown away.
class IndexFile {
 public:
  class Transaction {
   public:
    /// View valid until the next change or the end.
    std::optional<std::string_view> get(std::string_view key);
    /// False: no more room, or another error; the whole is given up then.
    bool put(std::string_view key, std::string_view value);
    /// The same for a key behind all others, which fills pages; elsewhere it
    /// is put.
    bool append(std::string_view key, std::string_view value);
    void remove(std::string_view key);
    void remove_prefix(std::string_view prefix);
    /// All keys with the prefix, in order, until `each` returns false.
    void walk(std::string_view prefix,
              const std::function<bool(std::string_view key,
                                       std::string_view value)>& each);
    /// The same from `first` on.
    void walk_from(std::string_view first, std::string_view prefix,
                   const std::function<bool(std::string_view key,
                                            std::string_view value)>& each);
    /// As IndexFile::last_write() tells it, of what is seen here.
    uint64_t id() const;
    bool failed() const { return error_ != 0; }

   private:
    friend class IndexFile;
    Transaction(MDB_txn* txn, unsigned dbi) : txn_(txn), dbi_(dbi) {}
    MDB_txn* txn_;
    unsigned dbi_;
    int error_ = 0;
  };

  /// Null: cannot be opened or made; `why` says so. size: of the file, at
  /// most.
  static std::shared_ptr<IndexFile> open(const std::string& directory,
                                         size_t size, std::string& why);
  IndexFile(const IndexFile&) = delete;
  IndexFile& operator=(const IndexFile&) = delete;
  ~IndexFile();

  /// When somebody has removed the file, makes a new one and counts on; false:
  /// that cannot be.
  bool renew();
  /// How often that was.
  unsigned generation() const { return generation_; }
  /// Another has written since our last look, or we have.
  uint64_t last_write() const;
  bool read(const std::function<void(Transaction&)>& work);
  /// All or nothing; false: nothing.
  bool write(const std::function<void(Transaction&)>& work);

 private:
  IndexFile(std::string path, size_t size)
      : path_(std::move(path)), size_(size) {}
  bool open_locked(int& error);
  bool open_environment(int& error);
  bool open_environment(size_t size, int& error);
  int reserve_locks(mode_t mode) const;
  void close_environment();
  bool looks_whole() const;
  bool removed() const;
  void remove_files() const;
  void mark_written();

  std::string path_;
  size_t size_;
  unsigned generation_ = 0;
  MDB_env* env_ = nullptr;
  MDB_txn* reader_ = nullptr;
  unsigned dbi_ = 0;
  UniqueFd marker_;
  bool marked_ = false;
  Instant opened_ = Clock::now();
};

/// The index files that are open in this process.
class IndexFiles {
 public:
  std::shared_ptr<IndexFile> open(const std::string& directory, size_t size,
                                  std::string& why);
  /// The next open() makes a new one.
  void forget(const std::string& directory) { files_.erase(directory); }

 private:
  std::unordered_map<std::string, std::weak_ptr<IndexFile>> files_;
};

}  // namespace mail::mailbox
