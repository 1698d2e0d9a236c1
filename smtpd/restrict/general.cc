// Restrictions that look at nothing in particular.
#include <fmt/format.h>

#include "common/log/log.h"
#include "common/net/loop.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

Outcome always_permit(Run& run, const Item& item) {
  return permit(run, item.kind->name);
}

Outcome always_reject(Run& run, const Item&) {
  return reject(run, run.subject, run.site.settings.get(param::reject_code),
                "5.7.1", rejected(run, run.subject, "Access denied"));
}

Outcome always_defer(Run& run, const Item&) {
  return reject(run, run.subject, run.site.settings.get(param::defer_code),
                "4.3.2", rejected(run, run.subject, "Try again later"));
}

Outcome permit_later(Run& run, const Item&) {
  return defer_if_permit(
      run, run.subject, 450, "4.7.0",
      rejected(run, run.subject, "defer_if_permit requested"));
}

Outcome reject_later(Run& run, const Item&) {
  return defer_if_reject(
      run, run.subject, 450, "4.7.0",
      rejected(run, run.subject, "defer_if_reject requested"));
}

net::Task<Outcome> pause(Run&, const Item& item) {
  co_await net::sleep(std::chrono::seconds(item.number));
  co_return Outcome::Dunno;
}

Outcome plaintext(Run& run, const Item&) {
  if (run.facts.tls) return Outcome::Dunno;
  return reject(run, run.subject,
                run.site.settings.get(param::plaintext_reject_code), "4.7.1",
                "Session encryption is required");
}

Outcome pipelining(Run& run, const Item&) {
  if (!run.facts.improper_pipelining) return Outcome::Dunno;
  return reject(
      run, run.subject, 503, "5.5.0",
      rejected(run, run.subject, "Improper use of SMTP command pipelining"));
}

Outcome multi_recipient_bounce(Run& run, const Item&) {
  bool content = run.stage == Stage::Data || run.stage == Stage::EndOfData;
  bool bounce = run.facts.sender && run.facts.sender->empty();
  if (!content || !bounce || run.facts.recipient_count < 2) {
    return Outcome::Dunno;
  }
  return reject(
      run, run.subject,
      run.site.settings.get(param::multi_recipient_bounce_reject_code), "5.5.3",
      rejected(run, run.subject, "Multi-recipient bounce"));
}

constexpr Kind kGeneralKinds[] = {
    {.name = "permit", .now = always_permit, .last = true},
    {.name = "reject", .now = always_reject, .last = true},
    {.name = "defer", .now = always_defer, .last = true},
    {.name = "defer_if_permit", .now = permit_later},
    {.name = "defer_if_reject", .now = reject_later},
    {.name = "sleep", .argument = Argument::Number, .later = pause},
    {.name = "reject_plaintext_session", .now = plaintext},
    {.name = "reject_unauth_pipelining", .now = pipelining},
    {.name = "reject_multi_recipient_bounce", .now = multi_recipient_bounce},
};

}  // namespace

std::span<const Kind> general_kinds() { return kGeneralKinds; }

}  // namespace mail::smtpd::restriction
