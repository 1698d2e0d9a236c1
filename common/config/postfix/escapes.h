#pragma once

#include <string>
#include <string_view>

namespace mail::config {

/// Bytes written as in C: \a \b \f \n \r \t \v, \ and up to three octal
/// digits; a backslash before anything else stands for that
/// (smtpd_expansion_filter, message_strip_characters).
std::string undo_escapes(std::string_view text);

}  // namespace mail::config
