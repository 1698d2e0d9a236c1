#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config/postfix/settings.h"
#include "common/ipc/conversation.h"
#include "common/ipc/scache.h"

namespace mail::smtpc {

/// scache(8), which keeps open connections for all processes. Trouble with it
/// is one warning each time, and then as if it had nothing.
class ScacheClient {
 public:
  explicit ScacheClient(const config::Settings& settings);

  struct Found {
    std::string property;  ///< of the endpoint
    UniqueFd fd;
  };
  /// A destination's connection, or an endpoint's.
  enum class Kind { Destination, Endpoint };
  net::Task<std::optional<Found>> find(Kind kind, std::string label);

  struct Entry {
    std::string destination, endpoint;  ///< labels
    std::string property;               ///< of the endpoint
    UniqueFd fd;
    std::chrono::seconds ttl{};
  };
  net::Task<> save(Entry entry);

 private:
  net::Task<Result<std::optional<Found>>> try_find(net::Stream& stream,
                                                   Kind kind,
                                                   std::string label);
  net::Task<Result<>> try_save(net::Stream& stream, const Entry& entry);
  net::Task<Result<net::Stream>> take_stream();
  net::Deadline deadline() const { return net::Deadline::in(timeout_); }

  ipc::Client client_;
  std::chrono::seconds timeout_;
  std::optional<net::Stream> kept_;  ///< idle
};

}  // namespace mail::smtpc
