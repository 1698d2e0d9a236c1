#pragma once

#include <string_view>
#include <variant>

#include "common/smtp/command.h"

namespace mail::smtp {

/// The arguments of MAIL and of RCPT: the path, then parameters (RFC 5321,
/// 3461, 4954, 6531).
std::variant<Command, Reply> parse_mail(std::string_view rest,
                                        const CommandOptions& options);
std::variant<Command, Reply> parse_rcpt(std::string_view rest,
                                        const CommandOptions& options);

}  // namespace mail::smtp
