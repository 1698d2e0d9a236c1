#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace mail::dkim {

/// An Authentication-Results field, read (RFC 8601, 2.2).
struct AuthResults {
  struct Method {
    std::string method;  ///< "dkim", as written
    std::string result;  ///< "pass", as written
  };
  std::string authserv_id;  ///< as written, quotes taken off
  std::vector<Method> methods;
  /// False: the field breaks the grammar behind authserv_id; methods holds
  /// what came before.
  bool well_formed = true;
};

/// value: all after the colon; folds and comments may be anywhere.
/// Errors: Protocol, there is not even an authserv-id.
Result<AuthResults> read_auth_results(std::string_view value);

/// `text` inside quotes, `"` and `\` escaped.
std::string quoted(std::string_view text);

/// Joins the pieces of a field's value by blanks, or by LF TAB where the line
/// would reach column 75 ("Authentication-Results: " stands before).
std::string fold_auth_results(const std::vector<std::string>& pieces);

}  // namespace mail::dkim
