#pragma once

#include <optional>
#include <string_view>

#include "authd/passdb.h"
#include "authd/userdb.h"

namespace mail::authd {

/// Takes what a password database said of an accepted user into the request:
/// user=, nopassword, allow_nets, userdb_*... nullopt: still accepted; else
/// why it is refused after all. Names may end with ":protected" (only if not
/// yet set) or ":remove". log_name: of the database.
std::optional<PassResult> apply_pass_fields(Request& request,
                                            const ipc::TabFields& fields,
                                            std::string_view log_name);

/// The same for a user database's: uid and gid become numbers.
/// false: they cannot (logged).
bool apply_user_fields(Request& request, const ipc::TabFields& fields,
                       std::string_view log_name);

/// Whether `address` is in one of "10.0.0.0/8,2001:db8::/32,local"; an empty
/// address is only `local`.
bool in_networks(std::string_view networks, std::string_view address);

}  // namespace mail::authd
