#include "common/dkim/verify.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/dkim/header_hash.h"

namespace mail::dkim {

namespace {

/// A signature's field with b= emptied, as its signer saw it.
std::string without_data(std::string_view value) {
  std::string out(value);
  if (auto span = find_data(value)) {
    out.erase(span->begin, span->end - span->begin);
  }
  return out;
}

}  // namespace

Verifier::Verifier(const VerifyPolicy& policy, const HeaderBlock& block,
                   int64_t now)
    : policy_(policy), block_(block), now_(now) {}

void Verifier::begin(std::string_view author_domain) {
  size_t judged = 0;
  for (size_t field : block_.find("DKIM-Signature")) {
    Check check;
    check.field = field;
    check.signature =
        read_signature(block_.fields()[field].value, now_, policy_.drift);
    if (!is_judged(check.signature, author_domain, judged)) {
      check.status = Status::Ignored;
    } else {
      ++judged;
      check.status = check.signature.status;
      check.needs_key = check.status == Status::Unknown;
    }
    if (check.needs_key) {
      check.body = hashes_.want(check.signature.canon.body,
                                hash_of(*check.signature.algorithm),
                                check.signature.length);
    }
    checks_.push_back(std::move(check));
  }
}

bool Verifier::is_judged(const Signature& signature,
                         std::string_view author_domain, size_t judged) const {
  if (policy_.trusted && policy_.trusted(signature.domain)) return true;
  if (policy_.max_signatures > 0) return judged < policy_.max_signatures;
  return iequals(signature.domain, author_domain);
}

void Verifier::set_key(size_t check, KeyAnswer answer) {
  checks_[check].key = std::move(answer);
}

void Verifier::finish() {
  hashes_.finish();
  for (Check& check : checks_) {
    if (!check.needs_key) continue;
    check.status = key_status(check);
    if (check.status == Status::Good) check.status = apply(check);
  }
}

Status Verifier::key_status(const Check& check) const {
  if (!check.key || check.key->kind == KeyAnswer::Kind::Failed) {
    return Status::KeyFailure;
  }
  const KeyRecord* record = check.record();
  if (!record) return Status::KeyNotFound;
  return match_key(*record, check.signature);
}

Status Verifier::apply(Check& check) {
  const Signature& signature = check.signature;
  const Field& field = block_.fields()[check.field];
  auto hash = hash_of(*signature.algorithm);
  std::string digest =
      header_digest(block_, signature.headers, signature.canon.header, hash,
                    field.name, without_data(field.value));
  check.applied = true;
  const crypto::PublicKey& key = *check.record()->key;
  if (auto good = key.verify(hash, digest, signature.data); !good) {
    check.crypto_error = good.error().what;
    return Status::BadSignature;
  }
  if (Status body = judge_body(check); body != Status::Good) return body;
  if (leaves_unprotected(check)) return Status::Unprotected;
  if (key.type() == crypto::KeyType::Rsa && key.bits() < policy_.min_key_bits) {
    return Status::KeyTooSmall;
  }
  if (*signature.algorithm == Algorithm::RsaSha1 && !policy_.accept_sha1) {
    return Status::Obsolete;
  }
  return Status::Good;
}

Status Verifier::judge_body(Check& check) {
  const Signature& signature = check.signature;
  if (signature.length && *signature.length > hashes_.size(check.body)) {
    return Status::LengthTooLarge;
  }
  check.body_failed = signature.body_hash != hashes_.digest(check.body);
  return check.body_failed ? Status::BadBodyHash : Status::Good;
}

bool Verifier::leaves_unprotected(const Check& check) const {
  const auto& names = check.signature.headers;
  return std::any_of(
      policy_.must_be_signed.begin(), policy_.must_be_signed.end(),
      [&](const std::string& wanted) {
        return block_.first(wanted) != nullptr &&
               std::none_of(names.begin(), names.end(), [&](const auto& name) {
                 return iequals(name, wanted);
               });
      });
}

}  // namespace mail::dkim
