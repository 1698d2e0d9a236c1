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

/// The first words of the message's text (RFC 8970): at most 200 characters.
Result<std::string> preview_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                 uint32_t uid);

/// The body of a leaf part without its content transfer encoding; lines end
/// as they are stored. Errors: Permanent, unknown encoding (EINVAL), too large.
Result<std::string> decoded_body(mailbox::MessageReader& reader,
                                 const mime::Part& part);
/// True if decoded_body() changes anything.
bool is_encoded(const mime::Part& part);

/// Appends `text` with CRLF for every bare LF.
void append_crlf(std::string& out, std::string_view text);

}  // namespace mail::imapd
