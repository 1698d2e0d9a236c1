#include "common/sasl/digest_md5.h"

#include "common/base/ascii.h"
#include "common/crypto/digest.h"

namespace mail::sasl {

std::optional<std::vector<DigestField>> parse_digest_fields(
    std::string_view text) {
  std::vector<DigestField> out;
  while (true) {
    while (!text.empty() && (is_space(text[0]) || text[0] == ',')) {
      text.remove_prefix(1);
    }
    if (text.empty()) return out;
    size_t equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    DigestField field;
    field.name = lower(trim(text.substr(0, equals)));
    text = trim_left(text.substr(equals + 1));
    if (!text.starts_with('"')) {
      size_t end = text.find(',');
      field.value = trim(text.substr(0, end));
      text = end == std::string_view::npos ? "" : text.substr(end);
    } else {
      size_t i = 1;
      for (; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        field.value += text[i];
      }
      if (i >= text.size()) return std::nullopt;
      text = text.substr(i + 1);
    }
    out.push_back(std::move(field));
  }
}

std::string digest_md5_value(std::string_view secret,
                             const DigestResponse& response,
                             std::string_view method) {
  using crypto::Hash;
  std::string a1 =
      std::string(secret) + ":" + response.nonce + ":" + response.cnonce;
  if (!response.authzid.empty()) a1 += ":" + response.authzid;
  std::string a2 = std::string(method) + ":" + response.uri;
  std::string all = crypto::hex(crypto::digest(Hash::Md5, a1)) + ":" +
                    response.nonce + ":" + response.nonce_count + ":" +
                    response.cnonce + ":" + response.qop + ":" +
                    crypto::hex(crypto::digest(Hash::Md5, a2));
  return crypto::hex(crypto::digest(Hash::Md5, all));
}

}  // namespace mail::sasl
