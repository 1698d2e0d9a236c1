#pragma once

#include <string>

#include "common/imap/fetch_items.h"
#include "imapd/session.h"

namespace mail::imapd {

/// Appends "BODY[...] {n}" and its bytes to the session's output, sending as
/// it goes. Errors: of the mailbox (nothing was sent then); Protocol: the
/// message ended early and the conversation cannot go on; EPIPE: no client.
net::Task<Result<>> write_section(Session& session, uint32_t uid,
                                  const imap::BodySection& section);

}  // namespace mail::imapd
