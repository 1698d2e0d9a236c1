#pragma once

#include <string_view>

#include "imapd/session.h"

namespace mail::imapd {

/// NO for an error of the mailbox store. Permanent ones carry the client's
/// text in `what`; `code` ("NONEXISTENT", "TRYCREATE") is used for a mailbox
/// that does not exist. Others are logged, and the client reads the original's
/// "Internal error" line.
Reply failure_reply(Session& session, const Error& error,
                    std::string_view code);

}  // namespace mail::imapd
