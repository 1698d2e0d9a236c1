#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail::imap {

// Each appends to `out`.

/// A string: quoted, or a literal where it has quotes, backslashes, 8-bit
/// bytes, CR or LF.
void put_string(std::string& out, std::string_view text);
/// The same, with backslashes for quotes and literals only for the rest.
void put_escaped(std::string& out, std::string_view text);
/// put_string of what a person reads: blanks and folds collapsed to one, NUL
/// to U+FFFD; a literal whenever something was changed.
void put_text(std::string& out, std::string_view text);
/// NIL, or put_string.
void put_nstring(std::string& out, const std::optional<std::string>& text);
/// As an atom where it is one, else put_string (mailbox names).
void put_astring(std::string& out, std::string_view text);
/// "{n}\r\n" in front of n bytes to come.
void put_literal_size(std::string& out, uint64_t size);
void put_number(std::string& out, uint64_t number);

}  // namespace mail::imap
