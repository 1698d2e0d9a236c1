#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/queue/queue_id.h"

namespace mail::queue {

/// The queues, which are directories of queue_directory.
inline constexpr char kMaildrop[] = "maildrop", kIncoming[] = "incoming",
                      kActive[] = "active", kDeferred[] = "deferred",
                      kHold[] = "hold", kCorrupt[] = "corrupt",
                      kSaved[] = "saved", kFlush[] = "flush";
/// Logs per message (delivery_log.h).
inline constexpr char kBounce[] = "bounce", kDefer[] = "defer",
                      kTrace[] = "trace";

/// File modes say how far a message is.
inline constexpr mode_t kWriting = 0600;  ///< not yet a message
inline constexpr mode_t kReady = 0700;    ///< these bits: complete
inline constexpr mode_t kMarkedCorrupt = 0400;
inline constexpr mode_t kUnthrottle = 0040;  ///< ignore dead destinations
inline constexpr mode_t kExpire = 0010;      ///< return to the sender now

/// Where files are. Values of parameters; no path is looked at.
struct Layout {
  std::string root;  ///< queue_directory; empty: the working directory
  std::vector<std::string> hash_names = {kDeferred, kDefer};
  int hash_depth = 1;              ///< hash_queue_depth
  IdForm id_form = IdForm::Short;  ///< enable_long_queue_ids

  std::string directory(std::string_view queue) const;
  std::string path(std::string_view queue, std::string_view id) const;
  bool hashed(std::string_view queue) const;
};

/// A file being written.
struct NewFile {
  UniqueFd fd;  ///< read and write
  QueueId id;
  std::string path;
  long sec = 0, usec = 0;  ///< its creation time
};

/// Makes an empty file of mode `mode`: a temporary name, then its id.
/// Errors: those of open and rename. (fsync is not needed: nothing is
/// promised yet.)
Result<NewFile> create(const Layout& layout, std::string_view queue,
                       mode_t mode = kWriting);
/// What makes it a message, but for the fsync, which comes after it: sets the
/// modification time to now (or `mtime`, in seconds) and adds kReady.
Result<> finish(const NewFile& file, mode_t mode = kReady, long mtime = 0);
/// fsync(2); for a worker.
Result<> sync(int fd);

/// Opens a queue file with `flags`, O_NOFOLLOW added.
/// Errors: sys is ENOENT when there is none.
Result<UniqueFd> open(const Layout& layout, std::string_view queue,
                      std::string_view id, int flags);
Result<> remove(const Layout& layout, std::string_view queue,
                std::string_view id);
/// Moves a file; makes hash directories as needed.
Result<> rename(const Layout& layout, std::string_view id,
                std::string_view from, std::string_view to);
/// rename(2) that makes the missing hash directories of `to`.
Result<> rename_path(const std::string& from, const std::string& to);
Result<> make_parents(const std::string& path);

enum class Lock { Shared, Exclusive };
/// flock(2) that does not wait; false: somebody else holds it.
Result<bool> try_lock(int fd, Lock lock);
/// flock(2) that waits.
Result<> lock(int fd, Lock lock);

/// Sets the modification time of a file, seconds since 1970: in incoming and
/// deferred, not to be tried before.
Result<> set_mtime(const std::string& path, long sec);
Result<> set_mtime(int fd, long sec);

enum class FileCheck {
  Ready,
  Writing,  ///< not complete (yet)
  NotRegular,
  Links,       ///< more than one, for longer than a minute
  LinksFresh,  ///< more than one, just now: look again later
};
/// What may be done with a file of a queue. `now`: seconds since 1970.
FileCheck check_file(const struct stat& st, long now);

/// Overwrites one record's type byte: 'R' becomes 'D'. No fsync.
Result<> mark_done(int fd, long offset);
/// The same, to void a record.
Result<> mark_killed(int fd, long offset);
/// Overwrites the delay warning record at `offset` with "sent" (-1).
Result<> mark_warned(int fd, long offset);

}  // namespace mail::queue
