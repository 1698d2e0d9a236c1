#pragma once

#include <memory>
#include <string>

#include "common/ipc/conversation.h"
#include "common/maps/table.h"

namespace mail::maps {

/// The client of proxymap(8), or of proxywrite; one for all proxy tables of a
/// process (OpenOptions::proxy, proxy_writer).
class ProxyClient {
 public:
  /// path: "private/proxymap"; service: $proxymap_service_name, for warnings.
  ProxyClient(std::string path, std::string service, Duration idle,
              Duration timeout);

  /// Errors: Temporary, lines for the log.
  net::Task<Result<Table::Found>> lookup(std::string table, int flags,
                                         std::string key);
  net::Task<Result<bool>> update(std::string table, int flags, std::string key,
                                 std::string value);
  net::Task<Result<bool>> remove(std::string table, int flags, std::string key);
  /// The first, or the next entry.
  net::Task<Result<std::optional<Table::Entry>>> sequence(std::string table,
                                                          int flags,
                                                          bool first);

 private:
  Failure refused(int status, const std::string& table, std::string_view what,
                  const std::string& key) const;
  ipc::Client client_;
  std::string service_;
};

}  // namespace mail::maps
