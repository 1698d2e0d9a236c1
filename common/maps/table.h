#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/clock.h"
#include "common/base/real_root.h"
#include "common/base/result.h"
#include "common/maps/flags.h"
#include "common/net/task.h"

namespace mail::maps {

/// One line for the log, without "warning: ".
using Sink = std::function<void(std::string_view)>;

/// Whom proxy: tables ask; proxy.h makes one.
class ProxyClient;

/// How tables are opened. A copy is kept by each table.
struct OpenOptions {
  int flags = flag::kDefault;
  /// O_RDONLY, or O_RDWR (with O_CREAT, O_TRUNC) for caches and postmap.
  int mode = 0;
  size_t read_cache = 131072;       ///< berkeley_db_read_buffer_size
  size_t write_cache = 16777216;    ///< berkeley_db_create_buffer_size
  size_t lmdb_map_size = 16777216;  ///< lmdb_map_size
  /// The file system before chroot(2); null: open(2) as it is.
  std::shared_ptr<const RealRoot> root;
  /// Null: proxy tables are refused.
  std::shared_ptr<ProxyClient> proxy, proxy_writer;
  /// Warnings of table files and lookups, the news that a table has changed.
  /// Empty: the log.
  Sink warn, info;
  /// A changed table cannot be opened with this process's rights: the caller
  /// should end soon, that a new process may. Until then the old one serves.
  std::function<void()> restart;
};

/// One lookup table. "Not there" (nullopt) is not "could not look": an Error
/// is Temporary, and its text is one or more lines for the log (each
/// "warning: "), as `hash:X is unavailable. open database X.db: ...`.
class Table {
 public:
  using Found = std::optional<std::string>;
  using Entry = std::pair<std::string, std::string>;

  virtual ~Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  const std::string& name() const { return name_; }  ///< "hash:/etc/aliases"
  int flags() const { return flags_; }
  bool takes_partial_keys() const { return (flags_ & flag::kFixed) != 0; }
  /// Only ask() gives an answer; lookup() is an error.
  virtual bool remote() const { return false; }
  /// The table could not be opened; every lookup fails with this text.
  virtual std::string_view unavailable() const { return {}; }

  /// Folds the key as the flags say. An empty value is the caller's error.
  Result<Found> lookup(std::string_view key);
  /// For every table; a local one answers without waiting.
  net::Task<Result<Found>> ask(std::string key);

  // For writers; errors of tables that cannot:
  // "table TYPE:NAME: update operation is not supported".

  /// False: the key is there already and was kept (kDupIgnore), or with a
  /// warning (kDupWarn).
  Result<bool> update(std::string_view key, std::string_view value);
  Result<bool> remove(std::string_view key);
  /// Entries in the table's own order; nullopt at the end. The entry last
  /// given may be removed meanwhile.
  virtual Result<std::optional<Entry>> first();
  virtual Result<std::optional<Entry>> next();

  /// Puts into the file what updates have left in memory. A table read with
  /// kBulk stays locked from a lookup to here.
  virtual Result<> flush() { return {}; }

  /// Opens the file again if it is another; looks once a second.
  virtual void refresh(Instant now);

 protected:
  Table(std::string name, const OpenOptions& options, int kind);

  virtual Result<Found> get(std::string_view key) = 0;
  virtual net::Task<Result<Found>> get_remote(std::string key);
  virtual Result<bool> put(std::string_view key, std::string_view value);
  virtual Result<bool> erase(std::string_view key);
  Failure unsupported(std::string_view operation) const;
  void warn(std::string_view text) const;
  void inform(std::string_view text) const;

  std::string name_;
  OpenOptions options_;
  int flags_;

 private:
  /// The key as the table holds it; nullopt: no such key can be there.
  std::optional<std::string_view> folded(std::string_view key);
  Result<Found> checked(std::string_view key, Result<Found> found) const;
  std::string fold_buffer_;
};

/// Opens "type:name".
/// Errors: Config, texts after "fatal: " (`open dictionary: expecting
/// "type:name" form instead of "X"`, `open database X.db: No such file or
/// directory`, `unsupported dictionary type: X`).
Result<std::unique_ptr<Table>> open_table(std::string_view type_name,
                                          const OpenOptions& options = {});

/// The same, but what cannot be opened is a table whose lookups all fail; the
/// log gets `error: open database ...` once.
std::unique_ptr<Table> open_table_or_unavailable(std::string_view type_name,
                                                 const OpenOptions& options);

}  // namespace mail::maps
