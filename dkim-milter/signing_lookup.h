#pragma once

#include <string_view>
#include <vector>

#include "dkim-milter/decision.h"

namespace mail::dkim_milter {

/// The keys that SigningTable and KeyTable give to a sender: user@host, host,
/// user@.suffix, .suffix, user@*, *; of a refile every line in turn. One, or
/// all that match with MultipleSignatures. Empty: nobody's.
/// Errors: Config, the line for the log.
Result<std::vector<SigningJob>> find_signers(const Settings& settings,
                                             std::string_view user,
                                             std::string_view domain);

}  // namespace mail::dkim_milter
