#pragma once

#include <string_view>

#include "common/config/postfix/expand.h"
#include "common/smtp/reply.h"

namespace mail::smtpd {

/// smtpd_reject_footer: a 4XX or 5XX reply with more text. In the template,
/// "\n" breaks a line, "\c" in front stays on the reply's own line, $name
/// stands for what `facts` says of it.
/// Errors: Config, the template cannot be expanded.
Result<smtp::Reply> add_footer(smtp::Reply reply, std::string_view text,
                               const config::Lookup& facts,
                               std::string_view allowed_bytes);

}  // namespace mail::smtpd
