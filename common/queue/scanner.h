#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/queue/spool.h"

namespace mail::queue {

/// A name in a queue. The views are valid until the next call.
struct Entry {
  std::string_view name;
  const std::string& directory;  ///< with its subdirectories: "deferred/A"
  std::string path() const { return directory + '/' + std::string(name); }
};

/// Lists one queue, hashed or flat or mixed: names of one character are
/// subdirectories. Names only, no stat; the order is the directory's. Each
/// call takes at most one getdents64(2) a directory, so that a caller on the
/// loop can stop after any entry.
class Scanner {
 public:
  /// root: Layout::directory(queue). Errors: of open.
  static Result<Scanner> open(std::string directory);
  Scanner(Scanner&&) noexcept;
  Scanner& operator=(Scanner&&) noexcept;
  ~Scanner();

  /// The next name that is not a subdirectory (not checked as a queue id);
  /// nullopt: all were seen. Errors: of getdents64; subdirectories that
  /// vanish or cannot be opened are passed over.
  Result<std::optional<Entry>> next();

 private:
  struct Level;
  Scanner();
  bool descend(std::string_view name);
  std::vector<std::unique_ptr<Level>> levels_;
};

/// Where a message is: the first of `queues` that has `id`.
std::optional<std::string> find(const Layout& layout, std::string_view id,
                                const std::vector<std::string>& queues);

}  // namespace mail::queue
