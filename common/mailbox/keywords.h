#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mail::mailbox {

/// As many keywords a file name can hold, a to z.
constexpr unsigned kKeywordLetters = 26;

/// dovecot-keywords: lines "INDEX NAME"; indexes 0 to 25 are the letters a to
/// z of file names. Returns names by index, "" where there is none; what is
/// not such a line is left out.
std::vector<std::string> parse_keywords(std::string_view text);
/// The first 26 of them.
std::string format_keywords(const std::vector<std::string>& names);

/// A keyword that IMAP can name: an atom of at most `max_length`.
bool is_keyword(std::string_view name, unsigned max_length);

}  // namespace mail::mailbox
