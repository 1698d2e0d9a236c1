#include "common/base/ascii.h"

#include <algorithm>

namespace mail {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_upper(c);
  return out;
}

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

bool istarts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         iequals(text.substr(0, prefix.size()), prefix);
}

bool iends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() &&
         iequals(text.substr(text.size() - suffix.size()), suffix);
}

std::string_view trim_left(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view trim_right(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view trim(std::string_view text) {
  return trim_left(trim_right(text));
}

std::vector<std::string_view> split(std::string_view text,
                                    std::string_view separators) {
  std::vector<std::string_view> out;
  size_t at = 0;
  while ((at = text.find_first_not_of(separators, at)) !=
         std::string_view::npos) {
    size_t end = std::min(text.find_first_of(separators, at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::vector<std::string_view> split_braced(std::string_view text,
                                           std::string_view separators) {
  std::vector<std::string_view> out;
  size_t at = 0;
  while ((at = text.find_first_not_of(separators, at)) !=
         std::string_view::npos) {
    size_t end = at;
    int depth = 0;
    while (end < text.size()) {
      char c = text[end];
      if (depth == 0 && separators.find(c) != std::string_view::npos) break;
      if (c == '{') ++depth;
      if (c == '}' && depth > 0) --depth;
      ++end;
    }
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

bool has_word(std::string_view list, std::string_view word,
              std::string_view separators) {
  for (auto piece : split(list, separators)) {
    if (iequals(piece, word)) return true;
  }
  return false;
}

std::vector<std::string_view> split_exact(std::string_view text,
                                          char separator) {
  std::vector<std::string_view> out;
  while (true) {
    size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::string join(const std::vector<std::string>& pieces,
                 std::string_view separator) {
  std::string out;
  for (const auto& piece : pieces) {
    if (&piece != &pieces.front()) out += separator;
    out += piece;
  }
  return out;
}

}  // namespace mail
