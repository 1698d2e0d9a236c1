#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::mime {

/// One element of an ENVELOPE's address list (RFC 3501, 7.4.2). The start of
/// a group has its name in `mailbox` and no domain; its end has neither.
struct EnvelopeAddress {
  std::optional<std::string> name, route, mailbox, domain;
};

/// Reads an address header, folded or not. What is missing or broken is named
/// as Dovecot names it: MISSING_MAILBOX, MISSING_DOMAIN, SYNTAX_ERROR. At most
/// `limit` elements.
std::vector<EnvelopeAddress> read_addresses(std::string_view value,
                                            size_t limit = 10000);

/// The first real address's display name, else its mailbox@domain; as written.
/// For SORT's DISPLAYFROM and DISPLAYTO (RFC 5957).
std::string display_name(const std::vector<EnvelopeAddress>& addresses);

}  // namespace mail::mime
