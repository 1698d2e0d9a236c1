#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/maps/table.h"

namespace mail::maps {

struct Match {
  std::string value;  ///< never empty
  const Table* table = nullptr;
};
using Answer = Result<std::optional<Match>>;

/// A partial key (a domain, a local part) is asked of fixed tables only;
/// regexp, pcre, cidr, tcp and socketmap see whole keys.
enum class KeyKind { Whole, Partial };

/// One key of a sequence (address_find.h makes them).
struct Key {
  std::string text;
  KeyKind kind = KeyKind::Whole;
  std::string extension = {};  ///< "+ext" of the address, not in `text`
};

/// The tables of one parameter ("hash:/etc/x, regexp:{...} proxy:..."); the
/// first that knows the key wins. Its lookups write their own warnings: the
/// caller decides only what an Error (always temporary: a table that fails, an
/// empty result) means for the request.
class Tables {
 public:
  Tables() = default;  ///< none; finds nothing
  Tables(Tables&&) = default;
  Tables& operator=(Tables&&) = default;

  /// title: the parameter's name. Tables that cannot be opened fail at each
  /// lookup, see open_table_or_unavailable().
  /// Errors: Config, an item that is not "type:name".
  static Result<Tables> open(std::string title, std::string_view value,
                             const OpenOptions& options = {});

  const std::string& title() const { return title_; }
  bool empty() const { return tables_.empty(); }
  /// No member waits for another process: find_now() answers always.
  bool local() const { return local_; }
  /// A member takes partial keys.
  bool takes_partial_keys() const;
  const std::vector<std::unique_ptr<Table>>& members() const { return tables_; }

  /// nullopt: a remote member would have to be asked; use find().
  std::optional<Answer> find_now(std::string_view key,
                                 KeyKind kind = KeyKind::Whole);
  net::Task<Answer> find(std::string key, KeyKind kind = KeyKind::Whole);

  /// The first of `keys` that is there. `found`, if not null, becomes the
  /// index of that key.
  std::optional<Answer> find_first_now(const std::vector<Key>& keys,
                                       size_t* found = nullptr);
  net::Task<Answer> find_first(std::vector<Key> keys, size_t* found = nullptr);

 private:
  Answer judge(const Table& table, std::string_view key,
               Result<Table::Found> found) const;
  static bool skips(const Table& table, KeyKind kind);
  void warn(std::string_view text) const;

  std::string title_;
  std::vector<std::unique_ptr<Table>> tables_;
  Sink warn_;
  bool local_ = true;
};

}  // namespace mail::maps
