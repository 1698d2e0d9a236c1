#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/real_root.h"
#include "common/config/postfix/settings.h"
#include "common/maps/tables.h"

namespace mail::smtpd {

/// The keys and certificates of names that clients ask for by SNI
/// (tls_server_sni_maps, postconf(5)). Tables made by postmap -F hold them in
/// base64; those without a source of their own (inline, texthash, ...) name
/// files, which are read when the table is opened, as root may, and again when
/// they have changed.
class SniChains {
 public:
  /// Errors: Config, an item that is not "type:name".
  static Result<std::unique_ptr<SniChains>> open(
      const std::string& list, const maps::OpenOptions& options);

  /// name: a host name in lower case, or ".example.org". PEM, each key before
  /// its chain. Errors: Temporary, the table or a file cannot be read.
  Result<std::optional<std::string>> find(const std::string& name);

 private:
  struct File {
    explicit File(std::string path) : watched(std::move(path)) {}
    WatchedFile watched;
    std::string text;
  };
  SniChains(maps::Tables tables, RealRoot root)
      : tables_(std::move(tables)), root_(std::move(root)) {}
  void read_all();
  Result<std::string> contents(std::string_view list);
  Result<std::string> read(const std::string& path);

  maps::Tables tables_;
  RealRoot root_;
  std::map<std::string, std::unique_ptr<File>> files_;
};

}  // namespace mail::smtpd
