#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mail {

// ASCII only, no locale: mail protocols compare case so.
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_alpha(char c) { return is_upper(c) || is_lower(c); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
/// Space, \t \n \v \f \r, as isspace() in the C locale.
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_print(char c) { return c >= 32 && c < 127; }
constexpr char to_lower(char c) {
  return is_upper(c) ? static_cast<char>(c + 32) : c;
}
constexpr char to_upper(char c) {
  return is_lower(c) ? static_cast<char>(c - 32) : c;
}
/// The value of a hexadecimal digit, -1 if it is none.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  c = to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string lower(std::string_view text);
std::string upper(std::string_view text);
/// Equal but for ASCII case.
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
bool iends_with(std::string_view text, std::string_view suffix);

/// Without is_space() at either end / the left end / the right end.
std::string_view trim(std::string_view text);
std::string_view trim_left(std::string_view text);
std::string_view trim_right(std::string_view text);

constexpr std::string_view kListSeparators = ", \t\r\n";
/// The non-empty pieces between any of `separators`; views into `text`.
std::vector<std::string_view> split(
    std::string_view text, std::string_view separators = kListSeparators);
/// Whether a piece of `list` is `word`, in any case.
bool has_word(std::string_view list, std::string_view word,
              std::string_view separators = kListSeparators);
/// The same as split(), but { ... } groups, nested, count as one piece, braces
/// kept; an unbalanced group runs to the end.
std::vector<std::string_view> split_braced(
    std::string_view text, std::string_view separators = kListSeparators);
/// Exactly the pieces between each `separator`, empty ones too.
std::vector<std::string_view> split_exact(std::string_view text,
                                          char separator);
std::string join(const std::vector<std::string>& pieces,
                 std::string_view separator);

}  // namespace mail
