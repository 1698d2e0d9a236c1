#pragma once

#include <string>
#include <string_view>

#include "common/ipc/dovecot_auth.h"
#include "tools/doveadm/context.h"

namespace mail::doveadm {

/// -x "service=imap", "rip=192.0.2.1" and so on; other words are taken no
/// notice of.
inline void take_info(ipc::AuthInfo& info, std::string_view text) {
  (void)info.parse(text);
}

/// Asks for it at the terminal, without echo; standard input elsewhere.
std::string ask_password(Context& context, std::string_view prompt);

/// `text` has the wildcards * or ?.
bool is_mask(std::string_view text);
bool matches_mask(std::string_view mask, std::string_view name);

}  // namespace mail::doveadm
