#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/ipc/proxymap.h"
#include "common/maps/table.h"

namespace mail::proxymap {

/// Which service of master.cf runs us: proxymap reads, proxywrite also writes.
enum class Access { Read, Write };

/// Answers requests for the tables that main.cf approves. Each table is open
/// once for all clients.
class Server {
 public:
  /// approved: proxy_read_maps or proxy_write_maps; its `proxy:` items count.
  Server(Access access, std::string_view approved, maps::OpenOptions options);

  /// The reply, encoded.
  std::string answer(const ipc::ProxymapRequest& request);

 private:
  struct Answer {
    int status = ipc::proxy_status::kOk;
    int flags = 0;
    std::string key, value;
  };
  Answer perform(const ipc::ProxymapRequest& request);
  Answer lookup(maps::Table& table, const ipc::ProxymapRequest& request);
  Answer change(maps::Table& table, const ipc::ProxymapRequest& request);
  Answer sequence(maps::Table& table, const ipc::ProxymapRequest& request);
  Answer failed(const Error& error);
  /// Null: not approved; the log says how to.
  maps::Table* find(std::string name, int flags);
  void warn(std::string_view text) const;

  Access access_;
  std::set<std::string, std::less<>> approved_;
  maps::OpenOptions options_;
  std::map<std::pair<std::string, int>, std::unique_ptr<maps::Table>> tables_;
};

}  // namespace mail::proxymap
