#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace mail::maps {

/// A data set of opendkim(8): "csl:a,b=c", "file:/path", "refile:/path",
/// "db:/path". Opened once, then unchanging; several threads may ask.
/// Not here: how hosts or addresses are looked for (the filter's business).
class DataSet {
 public:
  enum class Kind { List, File, Patterns, Database };
  struct Entry {
    std::string key;
    std::string value;  ///< "" when there was none
  };
  enum class Case { Fold, Keep };

  /// Without a type: PATH.db is a database, /PATH a file, else a list.
  /// Errors: Config, "SPEC: REASON" ("Unknown database type", "No such file or
  /// directory", and for a type that is not built its name).
  static Result<DataSet> open(const std::string& spec, Case fold);
  /// A list of these keys.
  static DataSet of(const std::vector<std::string>& keys, Case fold);

  Kind kind() const { return kind_; }
  const std::string& spec() const { return spec_; }
  /// The first entry's value. Patterns: the first that matches the whole key.
  /// Errors: Temporary, the database cannot be read.
  Result<std::optional<std::string>> find(std::string_view key) const;
  /// find() that knows no errors: what cannot be read holds nothing.
  bool contains(std::string_view key) const;
  /// False: no key has this character, so none that does need be looked for.
  bool may_hold(char character) const;
  /// All entries whose pattern matches (Patterns), in the file's order; else
  /// the one that find() finds.
  Result<std::vector<Entry>> find_all(std::string_view key) const;
  /// In the file's order; a database in its own.
  Result<std::vector<Entry>> entries() const;
  /// The keys alone.
  Result<std::vector<std::string>> keys() const;

 private:
  struct Index;
  struct Database;
  DataSet() = default;
  static DataSet build(std::string spec, Kind kind, Case fold,
                       std::vector<Entry> entries);

  Kind kind_ = Kind::List;
  Case case_ = Case::Fold;
  std::string spec_;
  std::shared_ptr<const Index> index_;
  std::shared_ptr<Database> database_;
};

/// The elements of a "csl:" value. macro_list: "name=a|b" gives two entries.
std::vector<DataSet::Entry> parse_list(std::string_view text);
/// The lines of a "file:" or "refile:".
std::vector<DataSet::Entry> parse_lines(std::string_view text);

}  // namespace mail::maps
