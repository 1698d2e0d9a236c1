#pragma once

#include <string_view>

namespace mail::dovecot {

/// sd_notify(3) to NOTIFY_SOCKET; nothing without one.
void notify_systemd(std::string_view text);

}  // namespace mail::dovecot
