#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/real_root.h"
#include "common/config/dovecot/configuration.h"
#include "common/config/dovecot/filter.h"
#include "common/net/task.h"
#include "common/tls/directory_watch.h"
#include "common/tls/server_context.h"

namespace mail::login {

/// A server's TLS as dovecot.conf has it: ssl_cert, ssl_key, and others for
/// names that clients ask for (local_name NAME { ssl_cert = ... }).
///
/// Only root may read the keys; they come with the settings. The files
/// themselves are watched from inside the jail, and when one is another, the
/// config service is asked anew. A broken or mismatched pair is never served.
class Certificates {
 public:
  /// Opened as root. service: "imap", "pop3", "lmtp". config_file: where
  /// `ssl_cert = <PATH` can be looked up; without it nothing is followed.
  /// Errors: Config, a setting that cannot be understood.
  static Result<std::unique_ptr<Certificates>> open(
      const config::dovecot::Settings& settings, const std::string& service,
      const std::string& config_file);
  ~Certificates();

  tls::ServerContext& context() { return *context_; }
  /// In the loop: fetches the pairs of names, and follows renewed files until
  /// it is destroyed. Problems go to the log.
  net::Task<> follow();

 private:
  struct Named;
  Certificates();
  void find_files(const std::string& config_file);
  void log_problems();
  net::Task<> fetch();
  net::Task<> fetch_named(Named* named);
  bool files_changed();

  std::string service_;
  std::unique_ptr<tls::ServerContext> context_;
  std::unique_ptr<RealRoot> root_;
  std::vector<std::unique_ptr<WatchedFile>> watched_;
  tls::DirectoryWatch directories_;
  std::vector<std::unique_ptr<Named>> named_;
};

}  // namespace mail::login
