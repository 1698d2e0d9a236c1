#pragma once

#include <map>
#include <string>

#include "common/base/unique_fd.h"

namespace mail::tls {

/// Tells of changes in directories that we could look into when privileged,
/// and no longer can (/etc/letsencrypt/live is root's alone): watches of
/// inotify(7) stay. Best effort: without inotify it is silent.
class DirectoryWatch {
 public:
  /// Watches the directory of `path`, and of what it links to, for that name.
  void add(const std::string& path);
  /// Whether anything has happened to a watched name since the last call.
  bool take_events();

 private:
  void add_name(const std::string& path);

  UniqueFd fd_;
  std::multimap<int, std::string> names_;
};

}  // namespace mail::tls
