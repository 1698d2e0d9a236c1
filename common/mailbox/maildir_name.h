#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/mailbox/flags.h"

namespace mail::mailbox {

/// The name of a file in cur/ or new/: BASE or BASE:2,LETTERS (maildir(5)).
/// D F R S T are flags, a to z the keywords 0 to 25 of dovecot-keywords.
struct MaildirName {
  std::string_view base;  ///< all in front of the colon
  std::string_view info;  ///< from the colon on; empty: there is none
  Flags flags = 0;
  KeywordMask keywords = 0;
};
MaildirName parse_maildir_name(std::string_view file);

/// ":2,LETTERS", sorted. Letters and whatever else stands in the present
/// `info` without being a flag or a keyword are kept.
std::string maildir_info(Flags flags, KeywordMask keywords,
                         std::string_view present = {});

/// The number of `,S=` (octets in the file) or `,W=` (with CRLF) in a name.
std::optional<uint64_t> size_in_name(std::string_view base, char letter);

/// Orders names as messages get uids: by seconds, then M<microseconds>, then
/// the text.
struct DeliveryOrder {
  uint64_t seconds = 0, microseconds = 0;
  std::string_view name;
  auto operator<=>(const DeliveryOrder&) const = default;
};
DeliveryOrder delivery_order(std::string_view base);

/// A new name that no other process and no other call makes:
/// SECONDS.M<microseconds>P<pid>.HOST.
std::string new_maildir_base(std::string_view host);

}  // namespace mail::mailbox
