#pragma once

#include <cstdint>
#include <string_view>

namespace mail::dkim {

/// How one signature was judged (RFC 6376, 6.1), in the order of the checks.
enum class Status : uint8_t {
  Unknown,  ///< not judged yet
  Good,
  // The signature itself: PERMFAIL (signature syntax error and the like).
  Malformed,  ///< no tag list, or without a tag that it must have
  DomainMissing,
  DomainEmpty,
  SelectorMissing,
  SelectorEmpty,
  VersionMissing,
  VersionEmpty,
  BadVersion,
  BadIdentity,
  Expired,
  InFuture,
  BadOrder,
  BadHeaderMethod,
  BadBodyMethod,
  AlgorithmMissing,
  BadAlgorithm,
  HeadersMissing,
  HeadersEmpty,
  HeadersIncomplete,
  BadLength,
  BadQuery,
  BodyHashMissing,
  BodyHashEmpty,
  DataMissing,
  DataEmpty,
  // The key.
  KeyNotFound,
  KeyFailure,  ///< the name server could not be asked: TEMPFAIL
  KeyMultiple,
  KeyCorrupt,
  KeyVersion,
  KeyHashUnknown,
  KeyHashMismatch,
  KeyService,
  KeyTypeUnknown,
  KeyTypeMismatch,
  KeyRevoked,
  KeyUnusable,
  KeyTooSmall,
  // Applying it.
  Subdomain,  ///< t=s, and i= is below d=
  BadSignature,
  BadBodyHash,
  LengthTooLarge,
  Unprotected,  ///< a field that must be signed is not
  Obsolete,     ///< verifies, but rsa-sha1 proves nothing (RFC 8301)
  Ignored,      ///< over the limit of signatures for one message
};

/// The words of RFC 8601, 2.7.1.
enum class Verdict { None, Pass, Fail, Policy, Neutral, TempError, PermError };

Verdict verdict_of(Status status);
std::string_view verdict_text(Verdict verdict);
/// "signature verification failed": for reason= and log lines.
std::string_view status_text(Status status);

}  // namespace mail::dkim
