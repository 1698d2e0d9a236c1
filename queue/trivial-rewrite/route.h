#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::rewrite {

/// What decides how operators of an address are read.
struct RouteRules {
  bool swap_bangpath = true, percent_hack = true;
};

/// The standard form of addresses (trivial-rewrite(8)); pure text.
struct StandardForm : RouteRules {
  bool append_at_origin = true, append_dot_domain = false;
  std::string origin, domain;  ///< empty: nothing is appended
};

/// Makes an external (quoted) address complete:
///   @ -> "" (quoted, so no origin is added)   @a,@b:user@c -> user@c   a!b ->
///   b@a   a%b -> a@b user -> user@origin   user@host -> user@host.domain a@b.
///   -> a@b
/// Quotes are set where the grammar asks for them, and only there.
std::string standard_form(std::string_view external, const StandardForm& form);

/// The last (for '!' the first) `op` outside quotes and domain literals.
std::optional<size_t> find_operator(std::string_view external, char op);

/// What a local part itself says of the route: "a@b", "b!a", "a%b" as a@b;
/// nullopt: it is just a name. text: unquoted.
std::optional<std::string> inner_route(std::string_view text,
                                       const RouteRules& rules);

}  // namespace mail::rewrite
