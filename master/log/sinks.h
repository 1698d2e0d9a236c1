#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/config/dovecot/settings.h"

namespace mail::logd {

/// Where lines end: syslog, files, or standard error, as log_path,
/// info_log_path and debug_log_path say.
class Sinks {
 public:
  /// Errors: Config, a file that cannot be opened.
  Result<> open(const config::dovecot::Settings& settings);
  /// Opens files anew (logrotate).
  void reopen();
  /// type: as Line::type, 0 to 5. prefix: "imap-login: ".
  void write(int type, std::string_view prefix, std::string_view text);

 private:
  struct Target {
    std::string path;  ///< "syslog", a file, "/dev/stderr"
    UniqueFd fd;
    bool syslog() const { return path == "syslog"; }
  };
  Result<> open_target(Target& target);
  void to_syslog(int type, std::string_view text);
  Target& target_of(int type);

  Target errors_, info_, debug_;
  std::string timestamp_, ident_;
  int facility_ = 0;
  UniqueFd socket_;
};

}  // namespace mail::logd
