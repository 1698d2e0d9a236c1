#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/dkim/key_record.h"

namespace mail::opendkim_tools {

/// Why a published key record is not what opendkim-genkey has written: what
/// DNS panels and people do to it, each with its remedy. One line each; empty
/// when nothing is known.
/// published: the TXT record, its strings joined; expected: p= as the private
/// key has it, base64 ("" if there is none to compare with).
std::vector<std::string> diagnose(std::string_view published,
                                  std::string_view expected);

}  // namespace mail::opendkim_tools
