#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/dkim/canonical.h"
#include "common/dkim/header_block.h"

namespace mail::dkim {

/// The digest that b= signs (RFC 6376, 3.7): the fields that `names` stand
/// for, then the DKIM-Signature field itself with an empty b=.
/// signature_name: as written in the message; signature_value: b= emptied.
std::string header_digest(const HeaderBlock& block,
                          const std::vector<std::string>& names, Canon canon,
                          crypto::Hash hash, std::string_view signature_name,
                          std::string_view signature_value);

}  // namespace mail::dkim
