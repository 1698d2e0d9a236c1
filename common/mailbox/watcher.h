#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/unique_fd.h"

namespace mail::mailbox {

/// Hears from the kernel what happens in watched directories and files: the
/// one inotify instance of the process.
class Watcher {
 public:
  enum class What {
    Appeared,     ///< `name` is there now
    Disappeared,  ///< `name` was unlinked
    MovedAway,    ///< `name` was renamed, maybe within the directory
    Changed,      ///< a file was written, cut or replaced
    Lost,         ///< too much has happened: look at everything
    Ended,        ///< the watched thing itself is gone
  };
  class Sink {
   public:
    virtual ~Sink() = default;
    /// tag: as given to watch_*.
    virtual void on_watch(int tag, What what, std::string_view name) = 0;
  };

  Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// -1: the system gives no more instances; watch_* return false then.
  int fd() const { return fd_.get(); }
  /// Names that come and go in a directory. False: cannot be watched.
  bool watch_directory(const std::string& path, Sink* sink, int tag);
  /// Writes to a file.
  bool watch_file(const std::string& path, Sink* sink, int tag);
  /// All watches of `sink`.
  void forget(Sink* sink);
  /// Tells the sinks what there is to tell; one system call when nothing.
  void read();

 private:
  struct Target {
    Sink* sink;
    int tag;
  };
  bool add(const std::string& path, uint32_t mask, Sink* sink, int tag);
  void tell(int descriptor, uint32_t mask, std::string_view name);

  UniqueFd fd_;
  std::unordered_map<int, std::vector<Target>> targets_;
};

}  // namespace mail::mailbox
