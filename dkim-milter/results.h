#pragma once

#include <string>
#include <vector>

#include "common/dkim/verify.h"
#include "dkim-milter/settings.h"

namespace mail::dkim_milter {

/// The value of Authentication-Results as opendkim words it, without a blank
/// in front; folds are LF TAB. checks: all, in the message's order.
std::string results_value(const Settings& settings, const std::string& id,
                          const std::vector<dkim::Check>& checks);
/// "mx.example.org; dkim=permerror (bad message/signature format)".
std::string malformed_value(const std::string& id);

/// The verdict with what DNSSEC has to say about it (UnprotectedKey).
dkim::Verdict final_verdict(const Settings& settings, const dkim::Check& check);

/// The first eight characters of each b=, more where two are alike.
std::vector<std::string> header_b(const std::vector<dkim::Check>& checks);

/// The indices, from 1, of the Authentication-Results fields that claim to be
/// ours and speak of DKIM (or of anything, with RemoveARAll), highest first.
/// warnings: lines for fields that cannot be read.
std::vector<int> forged_results(const Settings& settings, const std::string& id,
                                const dkim::HeaderBlock& headers,
                                std::vector<std::string>& warnings);

}  // namespace mail::dkim_milter
