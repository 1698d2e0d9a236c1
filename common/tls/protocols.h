#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::tls {

/// Versions as they stand on the wire: 0x0300 is SSLv3, 0x0304 TLSv1.3.
struct Protocols {
  uint16_t least = 0;     ///< 0: no limit
  uint16_t most = 0;      ///< 0: no limit
  unsigned excluded = 0;  ///< bit n: version 0x0300 + n is not used

  friend bool operator==(const Protocols&, const Protocols&) = default;
};

/// smtpd_tls_protocols and its like: ">=TLSv1.2", "<=0x0303", "!SSLv2, !SSLv3",
/// "TLSv1.2 TLSv1.3"; separated by blanks, commas or colons; any case. When
/// names without "!" are given, all others are excluded.
/// Errors: Config, naming the word that is none.
Result<Protocols> parse_protocols(std::string_view text);

/// OpenSSL's cipher list for a grade and the exclusions. what is excluded:
/// words separated by blanks, commas or colons.
/// Errors: Config, the grade is none of null export low medium high.
struct CipherLists;
Result<std::string> cipher_list(std::string_view grade,
                                std::string_view excluded,
                                const CipherLists& lists);

}  // namespace mail::tls
