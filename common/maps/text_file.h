#pragma once

#include <memory>
#include <string>

#include "common/base/file.h"
#include "common/maps/watched_path.h"

namespace mail::maps {

/// A table's source text, read whole, and again when it is another. An
/// editor's half-written file has a later time soon, and is read once more.
class TextFile {
 public:
  /// what: before the path in errors, "open " or "open database ".
  TextFile(std::string path, std::shared_ptr<const RealRoot> root,
           std::string what)
      : watched_(std::move(path), std::move(root)), what_(std::move(what)) {}
  const std::string& path() const { return watched_.path(); }
  bool changed(Instant now) { return watched_.changed(now); }
  /// Errors: "open PATH: reason" and errno.
  Result<std::string> read();

 private:
  WatchedPath watched_;
  std::string what_;
};

}  // namespace mail::maps
