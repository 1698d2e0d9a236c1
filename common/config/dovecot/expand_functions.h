#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::config::dovecot {

/// The one-letter modifiers L U E X R N H M D T on a value. N and H take the
/// modulus that stands where a width would (0: none). Unknown: nullopt.
std::optional<std::string> modified(char modifier, std::string_view value,
                                    unsigned modulus, bool zero_padded,
                                    unsigned width);

/// %{HASH;rounds=N,truncate=BITS,salt=S,format=hex:field} with the field's
/// value. nullopt: `name` is no hash. Errors: Config, a bad option.
Result<std::optional<std::string>> hash_function(std::string_view name,
                                                 std::string_view options,
                                                 std::string_view value);

/// The condition of %{if;left;op;right;yes;no}.
/// Errors: Config, "Unsupported comparator 'x'".
Result<bool> compare(std::string_view left, std::string_view op,
                     std::string_view right);

/// A glob(7)-like pattern with * and ?, whole text, as %{if} and ACLs match.
bool wildcard_matches(std::string_view pattern, std::string_view text);

}  // namespace mail::config::dovecot
