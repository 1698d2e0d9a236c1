#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::mime {

/// xtext (RFC 3461, 4): "+", "=", and what is not printable ASCII as +HH.
std::string encode_xtext(std::string_view bytes);
/// nullopt: a bad escape, or a byte that xtext may not hold.
std::optional<std::string> decode_xtext(std::string_view text);

/// Quoted-printable of a whole text with LF line ends (RFC 2045, 6.7): lines
/// of at most 76 bytes. CRs come out as =0D.
std::string encode_quoted_printable(std::string_view text);
/// Takes LF and CRLF; soft line breaks join. Lower-case hex is taken, a bad
/// escape is copied as it stands.
std::string decode_quoted_printable(std::string_view text);

/// base64 in lines of 76 characters, each with LF (RFC 2045, 6.8).
std::string encode_base64_lines(std::string_view bytes);
/// Skips everything outside the alphabet; stops at padding.
std::string decode_base64_loose(std::string_view text);

}  // namespace mail::mime
