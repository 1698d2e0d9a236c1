#include "common/dkim/key_record.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/dkim/tag_list.h"

namespace mail::dkim {

namespace {

bool lists(const std::vector<std::string>& list, std::string_view word) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& w) { return iequals(w, word); });
}

std::string_view hash_word(Algorithm algorithm) {
  return algorithm == Algorithm::RsaSha1 ? "sha1" : "sha256";
}

Status judge(const TagList& tags, KeyRecord& out) {
  const std::string* version = tags.find("v");
  if (version) out.version = *version;
  if (version && *version != "DKIM1") return Status::KeyVersion;
  if (const std::string* hashes = tags.find("h")) {
    out.hashes = colon_list(*hashes);
    if (!lists(out.hashes, "sha1") && !lists(out.hashes, "sha256")) {
      return Status::KeyHashUnknown;
    }
  }
  if (const std::string* services = tags.find("s")) {
    out.services = colon_list(*services);
    if (!lists(out.services, "*") && !lists(out.services, "email")) {
      return Status::KeyService;
    }
  }
  if (const std::string* type = tags.find("k")) {
    if (iequals(*type, "ed25519")) {
      out.type = crypto::KeyType::Ed25519;
    } else if (!iequals(*type, "rsa")) {
      return Status::KeyTypeUnknown;
    }
  }
  if (const std::string* flags = tags.find("t")) {
    auto list = colon_list(*flags);
    out.testing = lists(list, "y");
    out.exact_domain = lists(list, "s");
  }
  const std::string* key = tags.find("p");
  if (key == nullptr) return Status::KeyCorrupt;
  if (key->empty()) return Status::KeyRevoked;
  out.key_bytes = decode_base64(*key);
  auto parsed = crypto::PublicKey::parse(out.type, out.key_bytes);
  if (!parsed) {
    out.problem = parsed.error().what;
    return Status::KeyUnusable;
  }
  out.key = std::make_shared<const crypto::PublicKey>(std::move(*parsed));
  return Status::Good;
}

}  // namespace

KeyRecord read_key_record(std::string_view text) {
  KeyRecord out;
  auto tags = TagList::parse(text, "key data");
  if (!tags) {
    out.status = Status::KeyCorrupt;
    out.problem = tags.error().what;
    return out;
  }
  out.status = judge(*tags, out);
  return out;
}

Status match_key(const KeyRecord& key, const Signature& signature) {
  if (key.status != Status::Good) return key.status;
  if (!key.hashes.empty() &&
      !lists(key.hashes, hash_word(*signature.algorithm))) {
    return Status::KeyHashMismatch;
  }
  if (key.type != key_type_of(*signature.algorithm)) {
    return Status::KeyTypeMismatch;
  }
  if (key.exact_domain) {
    std::string_view identity = signature.identity;
    if (!iequals(identity.substr(identity.rfind('@') + 1), signature.domain)) {
      return Status::Subdomain;
    }
  }
  return Status::Good;
}

std::optional<std::string> choose_key_record(
    const std::vector<std::string>& texts) {
  if (texts.size() == 1) return texts.front();
  std::optional<std::string> found;
  for (const auto& text : texts) {
    auto tags = TagList::parse(text, "key data");
    if (!tags || tags->find("p") == nullptr) continue;
    if (found) return std::nullopt;
    found = text;
  }
  return found;
}

}  // namespace mail::dkim
