// Restrictions that ask verify(8), which sends probes.
#include <fmt/format.h>

#include "common/ipc/verify.h"
#include "common/log/log.h"
#include "common/net/loop.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;
namespace status = ipc::verify_status;

namespace {

/// What postconf(5) has for senders and for recipients.
struct Manner {
  param::Int reject_code, defer_code;
  param::String reason, tempfail_action;
  std::string_view dsn;
};
const Manner kSenders{param::unverified_sender_reject_code,
                      param::unverified_sender_defer_code,
                      param::unverified_sender_reject_reason,
                      param::unverified_sender_tempfail_action, "4.1.7"};
const Manner kRecipients{param::unverified_recipient_reject_code,
                         param::unverified_recipient_defer_code,
                         param::unverified_recipient_reject_reason,
                         param::unverified_recipient_tempfail_action, "4.1.1"};

/// Asks until the probe's end is known, or often enough.
net::Task<Result<ipc::VerifyReply>> ask(Site& site, std::string address) {
  ipc::VerifyRequest request;
  request.address = std::move(address);
  long count = site.settings.get(param::address_verify_poll_count);
  auto delay = site.settings.get(param::address_verify_poll_delay);
  while (true) {
    auto reply = co_await site.verify.ask<ipc::VerifyReply>(request);
    CO_CHECK(reply);
    if (reply->status != 0) {
      co_return fail(Fault::Temporary, "address verification problem");
    }
    if (reply->recipient_status != status::kTodo || --count <= 0) {
      co_return reply;
    }
    co_await net::sleep(delay);
  }
}

net::Task<Outcome> unverified(Run& run, const Item& item) {
  const auto& settings = run.site.settings;
  Subject subject = item.kind->subject;
  bool sender = subject == Subject::Sender;
  const Manner& manner = sender ? kSenders : kRecipients;
  const auto& address = sender ? run.facts.sender : run.facts.recipient;
  if (!address || address->empty()) co_return Outcome::Dunno;
  auto known = co_await ask(run.site, *address);
  if (!known) {
    log::warning(known.error().what);
    co_return reject(run, subject, 450, manner.dsn,
                     rejected(run, subject,
                              "unverified address: address verification "
                              "problem"));
  }
  if (known->recipient_status == status::kOk) co_return Outcome::Dunno;
  bool bounces = known->recipient_status == status::kBounce;
  long code = settings.get(bounces ? manner.reject_code : manner.defer_code);
  if (code / 100 == 2) co_return Outcome::Dunno;
  const std::string& reason = settings.get(manner.reason);
  std::string text =
      rejected(run, subject,
               fmt::format("{} address: {}",
                           code / 100 == 5 ? "undeliverable" : "unverified",
                           reason.empty() ? known->reason : reason));
  if (bounces) co_return reject(run, subject, code, manner.dsn, text);
  co_return defer_by_action(run, settings.get(manner.tempfail_action), subject,
                            manner.dsn, text, code);
}

constexpr Kind kProbeKinds[] = {
    {.name = "reject_unverified_sender",
     .later = unverified,
     .subject = Subject::Sender},
    {.name = "reject_unverified_recipient",
     .later = unverified,
     .subject = Subject::Recipient},
};

}  // namespace

std::span<const Kind> probe_kinds() { return kProbeKinds; }

}  // namespace mail::smtpd::restriction
