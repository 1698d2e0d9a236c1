#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/config/postfix/load.h"
#include "common/config/postfix/settings.h"

namespace mail::config {

/// Reads main.cf's text; `path` is for messages. Later entries win; `warn` is
/// told when they differ.
/// Errors: Config: "PATH, line N: missing '=' after attribute name: ...",
/// "PATH, line N: missing attribute name: ...".
Result<Definitions> parse_main_cf(std::string_view text, std::string_view path,
                                  const WarningSink& warn);

/// Files of the same syntax for tables (ldap, pgsql, sqlite client files).
/// Splits "name = value" at the first '='; both without white space around.
/// Errors: Config, without place: "missing '=' after attribute name: \"X\"".
Result<NameValue> split_definition(std::string_view line);

}  // namespace mail::config
