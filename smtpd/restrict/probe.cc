// Restrictions that ask verify(8), which this version does not have.
#include <fmt/format.h>

#include "common/log/log.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace {

Outcome not_built(Run& run, const Item& item) {
  log::warning(fmt::format(
      "restriction {} is not supported: no address verification", item.name));
  bool sender = item.kind->subject == Subject::Sender;
  return reject(run, item.kind->subject, 450, sender ? "4.1.7" : "4.1.1",
                rejected(run, item.kind->subject,
                         "unverified address: Address verification is not "
                         "supported"));
}

constexpr Kind kKinds[] = {
    {.name = "reject_unverified_sender",
     .now = not_built,
     .subject = Subject::Sender},
    {.name = "reject_unverified_recipient",
     .now = not_built,
     .subject = Subject::Recipient},
};

}  // namespace

std::span<const Kind> probe_kinds() { return kKinds; }

}  // namespace mail::smtpd::restriction
