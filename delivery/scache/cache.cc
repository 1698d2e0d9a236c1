#include "delivery/scache/cache.h"

#include <algorithm>
#include <set>

namespace mail::scache {

void Cache::save_endpoint(Endpoint endpoint) {
  endpoints_.push_front(std::move(endpoint));
  auto& maximum = statistics_.max_connections;
  maximum = std::max(maximum, endpoints_.size());
  std::set<std::string_view> labels;
  for (const auto& e : endpoints_) labels.insert(e.label);
  statistics_.max_addresses =
      std::max(statistics_.max_addresses, labels.size());
}

void Cache::save_destination(Destination destination) {
  std::erase_if(destinations_, [&](const Destination& other) {
    return other.label == destination.label &&
           other.endpoint == destination.endpoint;
  });
  destinations_.push_front(std::move(destination));
  statistics_.max_domains =
      std::max(statistics_.max_domains, destinations_.size());
}

std::optional<Cache::Endpoint> Cache::remove_endpoint(std::string_view label) {
  for (auto at = endpoints_.begin(); at != endpoints_.end(); ++at) {
    if (at->label != label) continue;
    Endpoint found = std::move(*at);
    endpoints_.erase(at);
    return found;
  }
  return std::nullopt;
}

std::optional<Cache::Found> Cache::take_endpoint(std::string_view label) {
  auto endpoint = remove_endpoint(label);
  if (!endpoint) {
    ++statistics_.address_misses;
    return std::nullopt;
  }
  ++statistics_.address_hits;
  return Found{{}, std::move(endpoint->property), std::move(endpoint->fd)};
}

std::optional<Cache::Found> Cache::take_destination(std::string_view label) {
  for (const auto& destination : destinations_) {
    if (destination.label != label) continue;
    auto endpoint = remove_endpoint(destination.endpoint);
    if (!endpoint) continue;
    ++statistics_.domain_hits;
    return Found{destination.property, std::move(endpoint->property),
                 std::move(endpoint->fd)};
  }
  ++statistics_.domain_misses;
  return std::nullopt;
}

void Cache::expire(Instant now) {
  auto old = [now](const auto& entry) { return entry.expires <= now; };
  std::erase_if(endpoints_, old);
  std::erase_if(destinations_, old);
}

Cache::Statistics Cache::take_statistics() {
  return std::exchange(statistics_, {});
}

}  // namespace mail::scache
