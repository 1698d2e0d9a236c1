#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace mail::authd {

/// One row: column names with their values; NULL columns are absent.
using SqlRow = std::vector<std::pair<std::string, std::string>>;

/// An SQLite database, opened at the first query and again after it was
/// replaced. The only user of libsqlite3.
class Sqlite {
 public:
  explicit Sqlite(std::string path);
  ~Sqlite();
  /// The connection of this process to that file.
  static std::shared_ptr<Sqlite> shared(const std::string& path);

  /// Calls `row` for each; it returns false to end early.
  /// Errors: Temporary, the database's words.
  Result<> query(const std::string& text,
                 const std::function<bool(SqlRow)>& row);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mail::authd
