#pragma once

#include "common/config/dovecot/configuration.h"

namespace mail::process {

/// The files of this machine, for dovecot.conf.
class DovecotFiles : public config::dovecot::FileReader {
 public:
  Result<std::string> read(const std::string& path) override;
  std::vector<std::string> glob(const std::string& pattern) override;
  std::string environment(const std::string& name) override;
  std::vector<std::string> resolve(const std::string& host) override;
};

}  // namespace mail::process
