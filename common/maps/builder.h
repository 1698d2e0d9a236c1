#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/maps/entry_set.h"
#include "common/maps/table.h"

namespace mail::maps {

/// Writes a whole database anew: hash, btree, lmdb. What was there is locked
/// exclusively from begin() to the end (writers and readers of Postfix's wait
/// for it), the new one is built beside it as FILE.db.tmp, synced, and renamed
/// over it. Only where that file cannot be made (a directory of root's, a
/// table of a user's) the old one is truncated and written in place.
class Builder {
 public:
  struct Options {
    OpenOptions open;    ///< flags (kDup..., kTry...Null, kFoldFix), caches
    mode_t mode = 0644;  ///< of a new file
  };
  /// Errors: Config: `unsupported dictionary type: X does not support
  /// bulk-mode creation.`, `open database X.db: reason`.
  static Result<std::unique_ptr<Builder>> begin(std::string_view type,
                                                const std::string& name,
                                                Options options);
  ~Builder();

  /// As EntrySet::expect().
  void expect(size_t bytes) { entries_.expect(bytes); }

  /// Folds the key by the flags. A key that is there stays (with a warning,
  /// `FILE.db: duplicate entry: "KEY"`), or is replaced: kDupReplace.
  /// Errors: Config, a duplicate that the flags do not allow.
  Result<> add(std::string_view key, std::string_view value);
  /// As it is: not folded, no NUL.
  void add_raw(std::string_view key, std::string_view value);
  /// Makes it the database. Without it nothing has changed.
  Result<> finish();

 private:
  enum class Kind { Hash, Btree, Lmdb };
  Builder(Kind kind, std::string name, Options options);
  Result<> lock();
  Result<> open_temporary();
  Result<> write_berkeley(int fd, const std::string& path);
  Result<> write_lmdb(const std::string& path);
  void warn(std::string_view text) const;
  std::string label() const;  // of duplicates: FILE.db, lmdb:FILE

  Kind kind_;
  std::string name_, path_, temporary_;
  Options options_;
  UniqueFd old_, new_;
  bool in_place_ = false;
  bool made_ = false;  // the temporary file is ours to remove
  EntrySet entries_;
  std::string fold_buffer_, key_buffer_, value_buffer_;
};

}  // namespace mail::maps
