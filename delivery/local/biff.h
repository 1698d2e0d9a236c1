#pragma once

#include <string_view>

namespace mail::local {

/// Tells comsat(8), if one listens on this host, that mail lies in `user`'s
/// mailbox from byte `offset` on ("USER@OFFSET" and a zero byte to UDP port
/// 512). Nothing is awaited, and nobody need listen.
void tell_comsat(std::string_view user, long offset);

}  // namespace mail::local
