#pragma once

#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/unique_fd.h"

namespace mail::scache {

/// Open connections that delivery agents have left for each other: endpoints
/// (an address with its descriptor) and destinations (a name for an endpoint).
/// Both expire; an endpoint is handed out once.
class Cache {
 public:
  struct Endpoint {
    std::string label, property;
    UniqueFd fd;
    Instant expires;
  };
  struct Destination {
    std::string label, property, endpoint;
    Instant expires;
  };
  struct Found {
    std::string destination_property, endpoint_property;
    UniqueFd fd;
  };
  struct Statistics {
    size_t domain_hits = 0, domain_misses = 0;
    size_t address_hits = 0, address_misses = 0;
    size_t max_domains = 0, max_addresses = 0, max_connections = 0;
  };

  void save_endpoint(Endpoint endpoint);
  void save_destination(Destination destination);
  /// The newest of that label, taken out of the cache.
  std::optional<Found> take_endpoint(std::string_view label);
  std::optional<Found> take_destination(std::string_view label);

  void expire(Instant now);
  size_t connections() const { return endpoints_.size(); }
  /// The count so far; counts anew from here.
  Statistics take_statistics();

 private:
  std::optional<Endpoint> remove_endpoint(std::string_view label);
  std::list<Endpoint> endpoints_;        // newest first
  std::list<Destination> destinations_;  // newest first
  Statistics statistics_;
};

}  // namespace mail::scache
