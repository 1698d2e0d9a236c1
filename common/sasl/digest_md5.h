#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::sasl {

/// One `name=value` or `name="quoted \" value"` of RFC 2831's lists.
struct DigestField {
  std::string name, value;
};
/// nullopt: not of that form.
std::optional<std::vector<DigestField>> parse_digest_fields(
    std::string_view text);

struct DigestResponse {
  std::string user, realm, nonce, cnonce, nonce_count, qop, uri, response,
      authzid;
};
/// The hex digest of RFC 2831, 2.1.2.1. secret: MD5(user:realm:password), raw.
/// method: "AUTHENTICATE", or "" for the server's answer.
std::string digest_md5_value(std::string_view secret,
                             const DigestResponse& response,
                             std::string_view method);

}  // namespace mail::sasl
