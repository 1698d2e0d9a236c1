#include "common/dkim/status.h"

#include <iterator>

namespace mail::dkim {

namespace {

struct Row {
  Status status;
  Verdict verdict;
  std::string_view text;
};

using enum Status;
constexpr auto kFail = Verdict::Fail, kPerm = Verdict::PermError;

constexpr Row kRows[] = {
    {Unknown, Verdict::Neutral, "no signature error"},
    {Good, Verdict::Pass, "no signature error"},
    {Malformed, kPerm, "bad message/signature format"},
    {DomainMissing, kPerm, "domain tag missing"},
    {DomainEmpty, kPerm, "domain tag empty"},
    {SelectorMissing, kPerm, "selector tag missing"},
    {SelectorEmpty, kPerm, "selector tag empty"},
    {VersionMissing, kPerm, "version missing"},
    {VersionEmpty, kPerm, "version empty"},
    {BadVersion, kPerm, "unsupported signature version"},
    {BadIdentity, kPerm, "invalid domain coverage"},
    {Expired, kPerm, "signature expired"},
    {InFuture, kPerm, "signature timestamp in the future"},
    {BadOrder, kPerm, "signature timestamp order error"},
    {BadHeaderMethod, kPerm, "invalid header canonicalization"},
    {BadBodyMethod, kPerm, "invalid body canonicalization"},
    {AlgorithmMissing, kPerm, "signature algorithm missing"},
    {BadAlgorithm, kPerm, "signature algorithm invalid"},
    {HeadersMissing, kPerm, "header list missing"},
    {HeadersEmpty, kPerm, "header list tag empty"},
    {HeadersIncomplete, kPerm, "header list missing required entries"},
    {BadLength, kPerm, "body length value invalid"},
    {BadQuery, kPerm, "query method invalid"},
    {BodyHashMissing, kPerm, "body hash missing"},
    {BodyHashEmpty, kPerm, "body hash empty"},
    {DataMissing, kPerm, "signature data missing"},
    {DataEmpty, kPerm, "signature data empty"},
    {KeyNotFound, kFail, "key not found in DNS"},
    {KeyFailure, Verdict::TempError, "key DNS query failed"},
    {KeyMultiple, Verdict::TempError, "multiple keys found"},
    {KeyCorrupt, kPerm, "key DNS reply corrupt"},
    {KeyVersion, kFail, "unknown key version"},
    {KeyHashUnknown, kFail, "unknown key hash"},
    {KeyHashMismatch, kFail, "signature-key hash mismatch"},
    {KeyService, kFail, "not an e-mail key"},
    {KeyTypeUnknown, kFail, "unknown key type"},
    {KeyTypeMismatch, kFail, "key type does not match the algorithm"},
    {KeyRevoked, kFail, "key revoked"},
    {KeyUnusable, kPerm, "unable to apply public key"},
    {KeyTooSmall, Verdict::Policy, "signing key too small"},
    {Subdomain, kFail, "unauthorized subdomain"},
    {BadSignature, kFail, "signature verification failed"},
    {BadBodyHash, kFail, "signature verification failed"},
    {LengthTooLarge, kFail, "length tag value exceeds body size"},
    {Unprotected, kFail, "unprotected header field"},
    {Obsolete, Verdict::Policy, "signature algorithm rsa-sha1 is obsolete"},
    {Ignored, Verdict::Neutral, "no signature error"},
};

const Row& row(Status status) { return kRows[static_cast<size_t>(status)]; }

constexpr bool in_order() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (static_cast<size_t>(kRows[i].status) != i) return false;
  }
  return true;
}
static_assert(in_order());

}  // namespace

Verdict verdict_of(Status status) { return row(status).verdict; }

std::string_view verdict_text(Verdict verdict) {
  constexpr std::string_view kWords[] = {
      "none", "pass", "fail", "policy", "neutral", "temperror", "permerror"};
  return kWords[static_cast<size_t>(verdict)];
}

std::string_view status_text(Status status) { return row(status).text; }

}  // namespace mail::dkim
