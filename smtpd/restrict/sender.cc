// Whose sender address it is: smtpd_sender_login_maps.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

constexpr Subject kSender = Subject::Sender;

enum class Wanted { Authenticated, Known, Unauthenticated };

struct Owners {
  bool known = false;  ///< somebody owns the address
  bool mine = false;   ///< the client is one of them
};

net::Task<Result<Owners>> owners_of_sender(Run& run) {
  auto reply = co_await route(run, kSender);
  CO_CHECK(reply);
  maps::AddressOptions options;
  options.delimiters = run.site.delimiters;
  Site* site = &run.site;
  options.is_local = [site](std::string_view d) { return site->is_local(d); };
  auto keys = maps::address_keys(reply->recipient, options);
  auto found = co_await run.site.sender_logins.find_first(std::move(keys));
  CO_CHECK(found);
  Owners out;
  if (!*found) co_return out;
  out.known = true;
  for (auto owner : split((*found)->value)) {
    out.mine = out.mine || iequals(owner, run.facts.sasl_username);
  }
  co_return out;
}

net::Task<Outcome> mismatch(Run& run, const Item& item, Wanted wanted) {
  if (!run.site.settings.get(param::smtpd_sasl_auth_enable)) {
    log::warning(
        fmt::format("restriction `{}' ignored: no SASL support", item.name));
    co_return Outcome::Dunno;
  }
  const auto& facts = run.facts;
  if (!facts.sender || facts.sender->empty()) co_return Outcome::Dunno;
  bool logged_in = !facts.sasl_username.empty();
  if (logged_in == (wanted == Wanted::Unauthenticated)) {
    co_return Outcome::Dunno;
  }
  auto owners = co_await owners_of_sender(run);
  if (!owners) co_return lookup_failed(run, kSender);
  if (!logged_in) {
    if (!owners->known) co_return Outcome::Dunno;
    co_return reject(run, kSender, 553, "5.7.1",
                     rejected(run, kSender, "not logged in"));
  }
  if (owners->mine || (wanted == Wanted::Known && !owners->known)) {
    co_return Outcome::Dunno;
  }
  co_return reject(
      run, kSender, 553, "5.7.1",
      rejected(run, kSender,
               fmt::format("not owned by user {}", facts.sasl_username)));
}

net::Task<Outcome> authenticated(Run& run, const Item& item) {
  Outcome out = co_await mismatch(run, item, Wanted::Authenticated);
  co_return out;
}
net::Task<Outcome> known(Run& run, const Item& item) {
  Outcome out = co_await mismatch(run, item, Wanted::Known);
  co_return out;
}
net::Task<Outcome> unauthenticated(Run& run, const Item& item) {
  Outcome out = co_await mismatch(run, item, Wanted::Unauthenticated);
  co_return out;
}
net::Task<Outcome> either(Run& run, const Item& item) {
  Item part = item;
  part.name = "reject_authenticated_sender_login_mismatch";
  Outcome out = co_await mismatch(run, part, Wanted::Authenticated);
  if (out != Outcome::Dunno) co_return out;
  part.name = "reject_unauthenticated_sender_login_mismatch";
  out = co_await mismatch(run, part, Wanted::Unauthenticated);
  co_return out;
}

constexpr Kind kSenderKinds[] = {
    {.name = "reject_sender_login_mismatch", .later = either},
    {.name = "reject_authenticated_sender_login_mismatch",
     .later = authenticated},
    {.name = "reject_unauthenticated_sender_login_mismatch",
     .later = unauthenticated},
    {.name = "reject_known_sender_login_mismatch", .later = known},
};

}  // namespace

std::span<const Kind> sender_kinds() { return kSenderKinds; }

}  // namespace mail::smtpd::restriction
