#pragma once

#include <string>
#include <string_view>

namespace mail::imap_login {

/// The list of an ID reply by imap_id_send: pairs "KEY VALUE", where the value
/// "*" is Dovecot's own ("name *" -> ("name" "Dovecot")). NIL for none.
std::string id_reply(std::string_view imap_id_send);

}  // namespace mail::imap_login
