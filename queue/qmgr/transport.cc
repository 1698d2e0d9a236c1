#include "queue/qmgr/transport.h"

#include "common/base/ascii.h"
#include "common/mime/address.h"

namespace mail::qmgr {

using config::TransportInt;
using config::TransportString;
using config::TransportTime;

Destination::Destination(Transport& t, std::string n, std::string hop)
    : transport(t),
      name(std::move(n)),
      nexthop(std::move(hop)),
      window(t.limits) {}

Destination& Transport::destination(const std::string& queue,
                                    const std::string& nexthop) {
  auto& place = destinations[queue];
  if (!place) place = std::make_unique<Destination>(*this, queue, nexthop);
  return *place;
}

void Transport::tidy(Instant now) {
  std::erase_if(destinations, [&](const auto& entry) {
    const Destination& d = *entry.second;
    return d.busy == 0 && d.waiting.empty() && !d.paced &&
           !d.window.dead(now) &&
           now - d.last_finished > std::chrono::seconds(60);
  });
}

Result<std::unique_ptr<Transport>> open_transport(
    const config::Settings& settings, const std::string& name) {
  auto t = std::make_unique<Transport>();
  t->name = name;
  auto whole = [&](TransportInt what) -> Result<int> {
    return static_cast<int>(TRY(settings.transport(name, what)));
  };
  t->limits.initial =
      std::max(1, TRY(whole(TransportInt::initial_destination_concurrency)));
  t->limits.maximum = TRY(whole(TransportInt::destination_concurrency_limit));
  t->limits.failed_cohorts =
      TRY(whole(TransportInt::destination_concurrency_failed_cohort_limit));
  std::string positive = TRY(settings.transport(
      name, TransportString::destination_concurrency_positive_feedback));
  std::string negative = TRY(settings.transport(
      name, TransportString::destination_concurrency_negative_feedback));
  t->limits.positive = TRY(parse_feedback(positive));
  t->limits.negative = TRY(parse_feedback(negative));
  int recipients = TRY(whole(TransportInt::destination_recipient_limit));
  t->recipient_limit =
      recipients > 0 ? static_cast<size_t>(recipients) : 1000000;
  t->rate_delay =
      TRY(settings.transport(name, TransportTime::destination_rate_delay));
  t->transport_rate_delay =
      TRY(settings.transport(name, TransportTime::transport_rate_delay));
  if (t->rate_delay > Duration::zero()) {
    t->limits.initial = t->limits.maximum = 1;
  }
  return t;
}

std::string queue_name(const Transport& transport, const std::string& nexthop,
                       const std::string& recipient,
                       std::string_view delimiters) {
  if (transport.recipient_limit != 1) return lower(nexthop);
  auto parts = mime::split_address(recipient);
  auto local = mime::split_extension(parts.local, delimiters);
  return lower(std::string(local.user) + "@" + nexthop);
}

}  // namespace mail::qmgr
