#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/config/dovecot/wire.h"
#include "common/net/condition.h"
#include "common/net/stream.h"

namespace mail::daemon {

/// A process's view of the configuration: from the config service, to which
/// the connection (made as root) stays open; or from a file.
class DovecotConfig {
 public:
  DovecotConfig(std::string protocol, std::vector<std::string> modules)
      : protocol_(std::move(protocol)), modules_(std::move(modules)) {}

  /// Blocking, before the loop. path: the config service's socket, or a
  /// dovecot.conf. Errors: Config, Temporary.
  Result<config::dovecot::SettingsPtr> open(const std::string& path);
  /// In the loop, before anything else of it.
  void begin();

  /// The settings of a context; an answer is remembered for each set of
  /// filters that match. fresh: ask again (a certificate may be a new one).
  net::Task<Result<config::dovecot::SettingsPtr>> settings_for(
      config::dovecot::Context context, bool fresh);
  /// Ends when the config service does: there is a new configuration.
  net::Task<> closed();
  bool has_service() const { return static_cast<bool>(stream_); }

 private:
  struct Known {
    std::string filters;  ///< one character for each that matches
    config::dovecot::SettingsPtr settings;
  };

  Result<config::dovecot::SettingsPtr> ask_service(UniqueFd fd);
  Result<config::dovecot::SettingsPtr> read_file(const std::string& path);
  net::Task<Result<config::dovecot::SettingsPtr>> ask(
      config::dovecot::Context context);
  std::string matching(const config::dovecot::Context& context) const;

  std::string protocol_;
  std::vector<std::string> modules_;
  std::string path_;
  UniqueFd fd_;
  net::Stream stream_;
  bool asking_ = false;
  net::Condition free_;
  bool is_closed_ = false;
  std::vector<config::dovecot::Filter> filters_;
  std::vector<Known> known_;
};

}  // namespace mail::daemon
