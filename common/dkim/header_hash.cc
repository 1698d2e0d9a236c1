#include "common/dkim/header_hash.h"

namespace mail::dkim {

std::string header_digest(const HeaderBlock& block,
                          const std::vector<std::string>& names, Canon canon,
                          crypto::Hash hash, std::string_view signature_name,
                          std::string_view signature_value) {
  std::string text;
  text.reserve(4096);
  for (size_t i : block.select(names)) {
    const Field& field = block.fields()[i];
    canonicalize_header(canon, field.name, field.value, text);
    text += "\r\n";
  }
  canonicalize_header(canon, signature_name, signature_value, text);
  return crypto::digest(hash, text);
}

}  // namespace mail::dkim
