#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace mail::config::dovecot {

/// One %variable: %u by its letter, %{user} by its name.
struct Variable {
  char letter = 0;        ///< 0: none
  std::string_view name;  ///< empty: none
  std::string_view value;
};

/// What a text may refer to. %{hostname}, %{pid}, %{env:NAME}, %{if;...} and
/// hash functions need not be given: expand_variables() knows them.
struct Variables {
  std::vector<Variable> list;
  /// %{passdb:field} is resolve("passdb", "field"). nullopt: no such function.
  std::function<std::optional<std::string>(std::string_view function,
                                           std::string_view argument)>
      resolve;
  /// Applied to each variable's value (after modifiers): SQL, LDAP escaping.
  std::function<std::string(std::string_view)> escape;
};

struct Expansion {
  std::string text;  ///< what could be expanded
  /// Not empty: the original's complaint, "Unknown variable '%Q'"; callers who
  /// must not go on with half a text treat it as an error.
  std::string problem;
};

/// `text` with %variables replaced (Dovecot's Config Variables):
/// %[-][offset.][width]MODIFIERS LETTER and %{name}, modifiers L U E X R N H M
/// D T, %{if;a;op;b;yes;no}, %{sha256;rounds=..,truncate=..,salt=..,format=..:
/// variable}, %%.
Expansion expand_variables(std::string_view text, const Variables& variables);

/// The same; a problem is an error (Config).
Result<std::string> expand_variables_strictly(std::string_view text,
                                              const Variables& variables);

/// Whether the text refers to variable `letter` or `name` at all.
bool has_variable(std::string_view text, char letter, std::string_view name);

}  // namespace mail::config::dovecot
