#pragma once

#include <ctime>
#include <string>

#include "common/config/postfix/settings.h"

namespace mail::daemon {

/// Whom address probes are from: address_verify_sender, complete, in internal
/// form; with address_verify_sender_ttl its local part ends in the number of
/// the period, in base 31. Empty: the null sender. Source: postconf(5).
std::string probe_sender(const config::Settings& settings, time_t now);

/// Whether mail to `address` comes back from a probe: of this period or the
/// one before.
bool is_probe_sender(const config::Settings& settings, std::string_view address,
                     time_t now);

}  // namespace mail::daemon
