#include "common/login/shared.h"

namespace mail::login {

bool is_trusted(const Settings& settings, const net::IpAddress& address) {
  for (auto& [network, bits] : settings.trusted_networks) {
    if (address.in_network(network, bits)) return true;
  }
  return false;
}

std::shared_ptr<const Offer> Shared::offer(bool tls_on, bool secured,
                                           bool trusted) {
  bool available = tls && tls->available();
  if (made_.generation != auth->generation() || made_.available != available) {
    made_ = Made{auth->generation(), available, {}};
  }
  auto& place =
      made_.offers[(tls_on ? 1 : 0) + (secured ? 2 : 0) + (trusted ? 4 : 0)];
  if (place) return place;
  auto offer = std::make_shared<Offer>();
  offer->tls = tls_on;
  offer->starttls = available;
  offer->trusted = trusted;
  offer->plaintext = secured || (!settings.disable_plaintext_auth &&
                                 settings.ssl != Settings::Ssl::Required);
  offer->has_plain = false;
  for (auto& mechanism : auth->mechanisms()) {
    offer->has_plain |= mechanism.name == "PLAIN";
    if (mechanism.is_private) continue;
    if (mechanism.plaintext && !offer->plaintext) continue;
    offer->mechanisms.push_back(mechanism.name);
  }
  // Before auth is there nothing is known, and nothing kept.
  if (!auth->connected()) return offer;
  place = std::move(offer);
  return place;
}

}  // namespace mail::login
