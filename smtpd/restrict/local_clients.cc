#include "smtpd/restrict/local_clients.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/base/ascii.h"
#include "common/log/log.h"

namespace mail::smtpd::restriction {

net::Task<Result<bool>> has_listed_certificate(Site& site, const Facts& facts) {
  const auto* tls = facts.tls;
  if (!tls || !tls->has_certificate) co_return false;
  for (const auto* key :
       {&tls->certificate_fingerprint, &tls->key_fingerprint}) {
    auto found = co_await site.client_certs.find(*key);
    if (!found) co_return fail(found.error());
    if (*found) co_return true;
  }
  co_return false;
}

Result<> LocalClients::open(Site& site, std::string_view list) {
  static constexpr std::pair<std::string_view, Who> kNames[] = {
      {"permit_inet_interfaces", Who::Own},
      {"permit_mynetworks", Who::Networks},
      {"permit_sasl_authenticated", Who::Sasl},
      {"permit_tls_clientcerts", Who::ListedCerts},
      {"permit_tls_all_clientcerts", Who::Certs},
  };
  site_ = &site;
  for (std::string_view word : split_braced(list)) {
    if (iequals(word, "check_address_map")) continue;  // a table comes next
    auto named = std::find_if(std::begin(kNames), std::end(kNames),
                              [&](auto& n) { return iequals(n.first, word); });
    if (named != std::end(kNames)) {
      items_.push_back({named->second});
    } else if (word.find(':') != word.npos) {
      items_.push_back({Who::Table, TRY(site.table(word))});
    } else {
      log::warning(fmt::format(
          "parameter local_header_rewrite_clients: invalid request: {}", word));
    }
  }
  return {};
}

net::Task<Result<bool>> LocalClients::match(const Facts& facts) const {
  for (const Item& item : items_) {
    auto matched = co_await match(item, facts);
    if (!matched || *matched) co_return matched;
  }
  co_return false;
}

net::Task<Result<bool>> LocalClients::match(Item item,
                                            const Facts& facts) const {
  const ClientFacts& client = facts.client;
  switch (item.who) {
    case Who::Own:
      co_return site_->is_own(client.address);
    case Who::Networks:
      co_return client.in_mynetworks;
    case Who::Sasl:
      co_return !facts.sasl_username.empty() || !facts.sasl_method.empty();
    case Who::Certs:
      co_return facts.tls&& facts.tls->trust >= tls::Trust::Trusted;
    case Who::ListedCerts: {
      auto listed = co_await has_listed_certificate(*site_, facts);
      co_return listed;
    }
    case Who::Table: {
      auto found = co_await item.table->find(client.address_text);
      if (!found) co_return fail(found.error());
      co_return found->has_value();
    }
  }
  co_return false;
}

}  // namespace mail::smtpd::restriction
