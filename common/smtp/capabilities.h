#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mail::smtp {

/// What an EHLO or LHLO reply announces, as bits.
enum Capability : uint32_t {
  kPipelining = 1,
  kSize = 2,
  kEightBitMime = 4,
  kStartTls = 8,
  kAuth = 16,
  kDsn = 32,
  kSmtpUtf8 = 64,
  kChunking = 128,
  kXforward = 256,
  kEnhancedStatusCodes = 512,
  kXclient = 1024,
  kVrfy = 2048,
  kEtrn = 4096,
};
/// The bit of a keyword ("PIPELINING", any case; also of
/// smtp_discard_ehlo_keywords); 0: unknown.
uint32_t capability_bit(std::string_view keyword);

struct Capabilities {
  uint32_t bits = 0;
  std::string host;             ///< the name on the first line
  int64_t size_limit = 0;       ///< SIZE's argument, 0: none
  std::string auth_mechanisms;  ///< parted by blanks
  std::string xforward_names;   ///< upper case, parted by blanks

  bool has(Capability capability) const { return (bits & capability) != 0; }
  bool has_xforward(std::string_view name) const;
};

/// text: the reply's lines parted by LF. `AUTH=` counts as AUTH. Keywords
/// with bits in `discard` are left out.
Capabilities parse_capabilities(std::string_view text, uint32_t discard = 0);

}  // namespace mail::smtp
