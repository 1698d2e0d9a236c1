#pragma once

#include <string>

#include "common/mailbox/storage.h"
#include "imapd/config.h"

namespace mail::imapd {

/// The capabilities after login, in the original's order.
std::string capability_text(const Config& config,
                            const mailbox::Storage& storage);

}  // namespace mail::imapd
