#pragma once

#include <string_view>
#include <vector>

#include "common/net/task.h"
#include "smtpd/facts.h"
#include "smtpd/restrict/site.h"

namespace mail::smtpd::restriction {

/// local_header_rewrite_clients: whose mail is completed as our own is.
/// Source: postconf(5).
class LocalClients {
 public:
  /// Before chroot. An unknown item gives a warning. Errors: Config.
  Result<> open(Site& site, std::string_view list);
  /// Errors: of a table that cannot answer.
  net::Task<Result<bool>> match(const Facts& facts) const;

 private:
  enum class Who { Own, Networks, Sasl, ListedCerts, Certs, Table };
  struct Item {
    Who who;
    maps::Tables* table = nullptr;
  };
  net::Task<Result<bool>> match(Item item, const Facts& facts) const;

  Site* site_ = nullptr;
  std::vector<Item> items_;
};

/// Whether relay_clientcerts lists the client's certificate or its key.
/// Errors: of the table.
net::Task<Result<bool>> has_listed_certificate(Site& site, const Facts& facts);

}  // namespace mail::smtpd::restriction
