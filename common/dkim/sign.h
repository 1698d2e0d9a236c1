#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/dkim/algorithm.h"
#include "common/dkim/canonical.h"
#include "common/dkim/header_block.h"

namespace mail::dkim {

/// One signature to be made.
struct SigningPlan {
  std::string domain, selector;
  std::string identity;  ///< i=; empty: none
  Algorithm algorithm = Algorithm::RsaSha256;
  std::shared_ptr<const crypto::PrivateKey> key;
  CanonPair canon;
  int64_t created = 0;                ///< t=
  std::optional<int64_t> expires;     ///< x=
  bool partial = false;               ///< l=: as much as was hashed
  bool request_reports = false;       ///< r=y
  bool copy_headers = false;          ///< z=
  std::vector<size_t> fields;         ///< to be signed, in message order
  std::vector<std::string> oversign;  ///< names added to h= once more
};

/// The value of a DKIM-Signature field, folded with CRLF TAB as OpenDKIM
/// folds; it stands behind "DKIM-Signature: ".
/// body_hash: raw, of canon.body and the algorithm's hash; body_size: l=.
/// Errors: Permanent, of the key; Protocol, "From" is not among the fields.
Result<std::string> make_signature(const SigningPlan& plan,
                                   const HeaderBlock& block,
                                   std::string_view body_hash,
                                   uint64_t body_size);

}  // namespace mail::dkim
