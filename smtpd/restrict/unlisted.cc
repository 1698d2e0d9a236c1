#include "smtpd/restrict/unlisted.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/mime/address.h"
#include "common/queue/dsn_status.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;
namespace flag = ipc::resolve_flag;

namespace {

// The tables that must know the addresses of one class.
struct Listing {
  maps::Tables* tables = nullptr;  ///< null: none can know it
  std::string_view name;
  long code = 550;
};

std::optional<Listing> listing_of(Site& site, int flags) {
  const auto& settings = site.settings;
  switch (flags & flag::kClasses) {
    case flag::kLocal:
      if (site.local_recipients.empty()) return std::nullopt;
      return Listing{&site.local_recipients, "local recipient",
                     settings.get(param::unknown_local_recipient_reject_code)};
    case flag::kAlias:
      return Listing{nullptr, "virtual alias",
                     settings.get(param::unknown_virtual_alias_reject_code)};
    case flag::kVirtual:
      if (site.virtual_mailboxes.empty()) return std::nullopt;
      return Listing{&site.virtual_mailboxes, "virtual mailbox",
                     settings.get(param::unknown_virtual_mailbox_reject_code)};
    case flag::kRelay:
      if (site.relay_recipients.empty()) return std::nullopt;
      return Listing{&site.relay_recipients, "relay recipient",
                     settings.get(param::unknown_relay_recipient_reject_code)};
    default:
      return std::nullopt;
  }
}

bool always_local(std::string_view address, Site& site) {
  auto local = mime::split_address(address).local;
  for (std::string_view name :
       {std::string_view("postmaster"), std::string_view("mailer-daemon"),
        std::string_view(site.settings.get(param::double_bounce_sender))}) {
    if (iequals(local, name)) return true;
  }
  return false;
}

std::vector<maps::Key> keys_of(Site& site, const std::string& address) {
  maps::AddressOptions options;
  options.delimiters = site.delimiters;
  Site* where = &site;
  options.is_local = [where](std::string_view d) { return where->is_local(d); };
  return maps::address_keys(address, options);
}

/// A table gives it another address, whatever becomes of that.
net::Task<Result<bool>> is_mapped(Run& run, Subject subject,
                                  std::string address) {
  Site& site = run.site;
  auto keys = keys_of(site, address);
  maps::Tables& by_side = subject == Subject::Sender ? site.sender_canonical
                                                     : site.recipient_canonical;
  for (maps::Tables* tables :
       {&by_side, &site.canonical, &site.virtual_alias}) {
    if (tables->empty()) continue;
    auto found = co_await tables->find_first(keys);
    CO_CHECK(found);
    if (*found) co_return true;
  }
  co_return false;
}

/// The tables of its class know it.
net::Task<Result<bool>> is_listed(Run& run, std::string address, int flags,
                                  const Listing& listing) {
  if (!listing.tables) co_return false;
  if ((flags & flag::kLocal) && always_local(address, run.site)) co_return true;
  auto keys = keys_of(run.site, address);
  auto found = co_await listing.tables->find_first(std::move(keys));
  CO_CHECK(found);
  co_return found->has_value();
}

/// The error(8) or retry(8) transport would only return it: so do we.
Outcome refuse_route(Run& run, Subject subject,
                     const ipc::ResolveReply& reply) {
  bool later = reply.transport == "retry";
  auto [status, text] = queue::split_dsn(
      reply.nexthop, subject == Subject::Sender ? "5.1.0" : "5.1.1");
  return reject(run, subject, later ? 450 : 550, status,
                rejected(run, subject, text));
}

}  // namespace

net::Task<Outcome> check_listed(Run& run, Subject subject) {
  bool sender = subject == Subject::Sender;
  bool& done = sender ? run.unlisted_sender_done : run.unlisted_recipient_done;
  if (done) co_return Outcome::Dunno;
  done = true;
  const auto& address = sender ? run.facts.sender : run.facts.recipient;
  if (!address || address->empty()) co_return Outcome::Dunno;
  auto reply = co_await route(run, subject);
  if (!reply || (reply->flags & flag::kFail)) {
    co_return lookup_failed(run, subject);
  }
  auto listing = listing_of(run.site, reply->flags);
  bool refused = reply->transport == "error" || reply->transport == "retry";
  if (!listing && !refused) co_return Outcome::Dunno;
  auto mapped = co_await is_mapped(run, subject, reply->recipient);
  if (!mapped) co_return lookup_failed(run, subject);
  if (*mapped) co_return Outcome::Dunno;
  if (refused) co_return refuse_route(run, subject, *reply);
  auto listed =
      co_await is_listed(run, reply->recipient, reply->flags, *listing);
  if (!listed) co_return lookup_failed(run, subject);
  if (*listed) co_return Outcome::Dunno;
  std::string text = "User unknown";
  if (run.site.show_table_name) {
    text += fmt::format(" in {} table", listing->name);
  }
  co_return reject(run, subject, listing->code, sender ? "5.1.0" : "5.1.1",
                   rejected(run, subject, text));
}

namespace {

net::Task<Outcome> unlisted(Run& run, const Item& item) {
  Outcome out = co_await check_listed(run, item.kind->subject);
  co_return out;
}

constexpr Kind kUnlistedKinds[] = {
    {.name = "reject_unlisted_sender",
     .later = unlisted,
     .subject = Subject::Sender},
    {.name = "reject_unlisted_recipient",
     .later = unlisted,
     .subject = Subject::Recipient},
    {.name = "check_recipient_maps",
     .later = unlisted,
     .subject = Subject::Recipient},
};

}  // namespace

std::span<const Kind> unlisted_kinds() { return kUnlistedKinds; }

}  // namespace mail::smtpd::restriction
