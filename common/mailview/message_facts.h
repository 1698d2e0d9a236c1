#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/date_parse.h"
#include "common/mime/envelope_scan.h"

namespace mail::mailview {

/// The raw values of an ENVELOPE's headers, with their text.
class HeaderFacts {
 public:
  HeaderFacts() = default;
  HeaderFacts(HeaderFacts&&) noexcept = default;
  HeaderFacts& operator=(HeaderFacts&&) noexcept = default;

  /// As pack_headers() gave them. nullopt: they are damaged.
  static std::optional<HeaderFacts> unpack(std::string_view packed);

  mime::EnvelopeView envelope;

 private:
  std::vector<char> text_;  // stays where it is when this moves
};
std::string pack_headers(const mime::EnvelopeView& envelope);

/// What SORT by date, SEARCH SENTON and THREAD compare.
struct MessageKeys {
  std::optional<mime::HeaderDate> date;  ///< of Date:
  /// imap::thread_key()s: Message-ID, those of References (else the first of
  /// In-Reply-To); hash of the base subject. 0: none.
  uint64_t id = 0, subject = 0;
  std::vector<uint64_t> references;
  bool reply = false;  ///< the subject said so
};
MessageKeys keys_of(const mime::EnvelopeScan& scan);

///   1 byte   1 date known, 2 reply, 4 id known, 8 subject known
///   varints  date and zone (signs folded), if known
///   8 bytes  each: id, subject, references (to the end)
std::string pack_keys(const MessageKeys& keys);
/// False: damaged.
bool unpack_keys(std::string_view packed, MessageKeys& out);

}  // namespace mail::mailview
