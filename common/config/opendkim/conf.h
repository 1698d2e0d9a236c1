#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/opendkim/parameters.h"

namespace mail::config::opendkim {

/// The text of a file. Errors: with errno.
using FileReader = std::function<Result<std::string>(const std::string& path)>;

/// opendkim.conf(5), read: names and values, checked for their kind. One
/// setting a line, "#" ends it, the last of several counts.
class Conf {
 public:
  struct Entry {
    const Parameter* parameter = nullptr;
    std::string value;  ///< as written, blanks around dropped
    std::string file;
    size_t line = 0;
  };

  /// path: named in errors and given to `reader`, as Include's values are.
  /// Errors: Config, "FILE: configuration error at line N: TEXT".
  static Result<Conf> read(const std::string& path, const FileReader& reader);

  /// What the command line says overrides the file.
  void set(std::string_view name, std::string value);

  // Names are those of the table, written so; anything else is our own bug.
  bool is_set(std::string_view name) const;
  bool boolean(std::string_view name) const;
  long integer(std::string_view name) const;
  /// nullopt: not set, and without a default.
  std::optional<std::string> string(std::string_view name) const;

  /// In the file's order, repeated ones too.
  const std::vector<Entry>& entries() const { return entries_; }
  /// One line for each setting that is set and not built:
  /// "FILE, line N: Name is not supported and does nothing".
  std::vector<std::string> unsupported() const;

 private:
  Result<> read_file(const std::string& path, const FileReader& reader,
                     size_t depth);
  const Entry* find(std::string_view name, Kind kind) const;

  std::vector<Entry> entries_;
};

/// True for t T y Y 1, false for f F n N 0 as first letter.
std::optional<bool> parse_boolean(std::string_view text);
/// As strtol() with base 0 reads it, whole: "007" is octal.
std::optional<long> parse_integer(std::string_view text);

}  // namespace mail::config::opendkim
