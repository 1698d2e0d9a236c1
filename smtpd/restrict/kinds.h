#pragma once

#include <span>
#include <string_view>

#include "smtpd/restrict/run.h"

namespace mail::smtpd::restriction {

// Each family of restrictions, with all its names (old ones too).
std::span<const Kind> general_kinds();      // permit, reject, defer_if_*, sleep
std::span<const Kind> client_kinds();       // permit_mynetworks, ...
std::span<const Kind> helo_kinds();         // reject_invalid_helo_hostname, ...
std::span<const Kind> sender_kinds();       // reject_sender_login_mismatch, ...
std::span<const Kind> recipient_kinds();    // reject_unauth_destination, ...
std::span<const Kind> domain_kinds();       // reject_unknown_sender_domain, ...
std::span<const Kind> unlisted_kinds();     // reject_unlisted_recipient, ...
std::span<const Kind> access_kinds();       // check_client_access, ...
std::span<const Kind> host_access_kinds();  // check_sender_mx_access, ...
std::span<const Kind> dnsbl_kinds();        // reject_rbl_client, ...
std::span<const Kind> policy_kinds();       // check_policy_service
std::span<const Kind> probe_kinds();        // reject_unverified_sender, ...

/// One that takes a table and may have to wait for DNS.
constexpr Kind table_kind(std::string_view name, Later later, Subject subject) {
  return {.name = name,
          .argument = Argument::Table,
          .later = later,
          .subject = subject};
}

/// nullptr: not a restriction.
const Kind* find_kind(std::string_view name);

}  // namespace mail::smtpd::restriction
