#pragma once

#include "smtpd/restrict/run.h"

namespace mail::smtpd::restriction {

/// Rejects an address of our domains that no table knows.
/// subject: Sender or Recipient.
net::Task<Outcome> check_listed(Run& run, Subject subject);

}  // namespace mail::smtpd::restriction
