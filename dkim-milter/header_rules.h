#pragma once

#include <string>

#include "common/dkim/header_block.h"

namespace mail::dkim_milter {

/// RFC 5322, 3.6: exactly one From and Date, at most one of some others.
/// "": kept; else e.g. "message has multiple Subject fields", of the last
/// rule that is broken (RequiredHeaders, StrictHeaders).
std::string broken_header_rule(const dkim::HeaderBlock& headers);

}  // namespace mail::dkim_milter
