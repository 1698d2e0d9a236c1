#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/mailview/open_message.h"

namespace mail::mailview {

/// The first words of the message's text (RFC 8970): at most 200 characters.
Result<std::string> preview_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                 uint32_t uid);

/// The body of a leaf part without its content transfer encoding; lines end
/// as they are stored. Errors: Permanent, unknown encoding (EINVAL), too large.
Result<std::string> decoded_body(mailbox::MessageReader& reader,
                                 const mime::Part& part);
/// True if decoded_body() changes anything.
bool is_encoded(const mime::Part& part);

/// The values of all headers `name` (any case) of a header block, folded as
/// they stand, without blanks around.
std::vector<std::string> header_values(std::string_view header,
                                       std::string_view name);

/// Appends `text` with CRLF for every bare LF.
void append_crlf(std::string& out, std::string_view text);

}  // namespace mail::mailview
