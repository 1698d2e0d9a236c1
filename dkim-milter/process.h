#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/config/opendkim/conf.h"

namespace mail::dkim_milter {

/// Who the filter becomes (UserID, opendkim.conf(5)).
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string user;  ///< "" without UserID: stay
};
/// "user[:group]", names or numbers. Errors: Config, "no such user 'x'".
Result<Identity> find_identity(const std::optional<std::string>& user_id);
/// The groups of the user, then gid and uid, for good.
/// Errors: Config, what failed.
Result<> become(const Identity& identity);

/// AutoRestart, AutoRestartCount, AutoRestartRate.
struct RestartLimits {
  bool enabled = false;
  long count = 0;       ///< 0: no limit
  long rate_count = 0;  ///< at most so many in rate_seconds; 0: no limit
  long rate_seconds = 0;
};
/// Errors: Config, "AutoRestartRate invalid".
Result<RestartLimits> read_restart_limits(const config::opendkim::Conf& conf);

/// The file that names our process; what it said before comes back when the
/// start fails and that process still lives.
class PidFile {
 public:
  /// Errors: Config, "PATH: reason".
  static Result<PidFile> write(const std::string& path);
  PidFile() = default;
  PidFile(PidFile&&) = default;
  PidFile& operator=(PidFile&&) = default;
  /// The pid of this process, after a fork.
  void rewrite();
  /// At an orderly end; `failed`: the start has failed.
  enum class End { Orderly, StartFailed };
  void remove(End end);

 private:
  std::string path_, before_;
  UniqueFd fd_;
};

/// Forks; the parent waits until the child is ready() or dead and exits with
/// 0 or the child's status. The child has a session of its own, and no
/// standard descriptors once it is ready.
class Background {
 public:
  static Result<Background> enter();
  Background() = default;
  Background(Background&&) = default;
  Background& operator=(Background&&) = default;
  void ready();

 private:
  UniqueFd pipe_;
};

/// Runs children until one ends in order, as the limits allow; returns in
/// each child (nullopt), and in the parent with the exit status.
std::optional<int> supervise(const RestartLimits& limits);

}  // namespace mail::dkim_milter
