#pragma once

#include <string_view>

#include "common/smtp/command.h"
#include "common/smtp/reply.h"

namespace mail::lmtp {

// Dovecot's words where common/smtp has Postfix's.

/// For a command line that the engine has refused: syntax or sequence.
smtp::Reply refusal(smtp::Verb verb, std::string_view line,
                    const smtp::Reply& engines, bool in_mail);
/// For a line that is too long or no command at all.
smtp::Reply unknown_command();

}  // namespace mail::lmtp
