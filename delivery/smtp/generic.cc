#include "delivery/smtp/generic.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/mime/address_list.h"

namespace mail::smtpc {

namespace client = config::param::client;
namespace param = config::param;

Result<GenericMaps> GenericMaps::open(const config::Settings& s,
                                      config::ClientMode mode,
                                      const maps::OpenOptions& tables) {
  GenericMaps out;
  bool smtp = mode == config::ClientMode::Smtp;
  out.tables_ =
      TRY(maps::Tables::open(smtp ? "smtp_generic_maps" : "lmtp_generic_maps",
                             s.get(client::generic_maps, mode), tables));
  if (out.tables_.empty()) return out;
  maps::MatchList::Options list;
  list.tables = tables;
  out.local_domains_ =
      maps::MatchList::open("mydestination", s.get(param::mydestination), list);
  out.origin_ = s.get(param::myorigin);
  out.delimiters_ = s.get(param::recipient_delimiter);
  for (auto word : split(s.get(param::propagate_unmatched_extensions))) {
    out.propagate_ = out.propagate_ || iequals(word, "generic");
  }
  out.token_limit_ =
      static_cast<size_t>(s.get(param::header_address_token_limit));
  out.rewrite_ = std::make_unique<ipc::RewriteClient>(s);
  return out;
}

net::Task<Result<bool>> GenericMaps::is_local(std::string domain) {
  if (iequals(domain, origin_)) co_return true;
  auto match = co_await local_domains_.match(std::move(domain));
  co_return match;
}

net::Task<Result<std::string>> GenericMaps::map(std::string address) {
  maps::AddressMapping mapping;
  mapping.delimiters = delimiters_;
  mapping.propagate = propagate_;
  mapping.is_local = [this](std::string domain) {
    return is_local(std::move(domain));
  };
  mapping.complete = [this](std::string internal) {
    return rewrite_->complete(std::move(internal));
  };
  auto mapped = co_await maps::map_address(tables_, address, mapping);
  CO_CHECK(mapped);
  if (!mapped->found) co_return address;
  if (mapped->addresses.size() > 1) {
    log::warning(
        fmt::format("multi-valued {} result for {}", tables_.title(), address));
  }
  co_return std::move(mapped->addresses.front());
}

net::Task<Result<std::string>> GenericMaps::map_header(
    const mime::HeaderInfo* info, std::string text) {
  constexpr auto kAddresses = mime::kSenderHeader | mime::kRecipientHeader;
  if (tables_.empty() || !info || !(info->traits & kAddresses)) co_return text;
  auto field = mime::split_header(text);
  mime::AddressList list(field.value, token_limit_);
  for (size_t i = 0; i < list.size(); ++i) {
    std::string before = list.internal(i);
    if (before.empty()) continue;
    auto after = co_await map(before);
    CO_CHECK(after);
    if (*after == before) continue;
    // The null address as Postfix writes it.
    list.set_external(i, after->empty() ? "\"\"" : mime::quote_local(*after));
  }
  if (!list.changed()) co_return text;
  co_return list.header(field.name);
}

}  // namespace mail::smtpc
