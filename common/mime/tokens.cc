#include <algorithm>

#include "common/base/ascii.h"
#include "common/mime/address_list.h"

namespace mail::mime {
namespace {

constexpr std::string_view kSpecials = "<>@,;:.";
constexpr std::string_view kEndOfAtom = "<>@,;:.(\"[";

/// What is between the quote at `at` and its partner; moves past it.
std::string take_quoted(std::string_view text, size_t& at) {
  std::string out;
  for (++at; at < text.size(); ++at) {
    char c = text[at];
    if (c == '"') {
      ++at;
      return out;
    }
    if (c == '\\' && at + 1 < text.size()) c = text[++at];
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

/// A comment at `at`, with its parentheses; moves past it.
std::string take_comment(std::string_view text, size_t& at) {
  size_t begin = at;
  int depth = 0;
  while (at < text.size()) {
    char c = text[at++];
    if (c == '\\' && at < text.size()) {
      ++at;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0) {
      return std::string(text.substr(begin, at - begin));
    }
  }
  std::string out(text.substr(begin));
  out.append(static_cast<size_t>(depth), ')');
  return out;
}

std::string take_literal(std::string_view text, size_t& at) {
  size_t begin = at;
  while (at < text.size() && text[at] != ']') {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    ++at;
  }
  if (at == text.size()) return std::string(text.substr(begin)) + ']';
  ++at;
  return std::string(text.substr(begin, at - begin));
}

std::string take_atom(std::string_view text, size_t& at) {
  size_t begin = at;
  while (at < text.size() && !is_space(text[at]) &&
         kEndOfAtom.find(text[at]) == std::string_view::npos) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    ++at;
  }
  return std::string(text.substr(begin, at - begin));
}

}  // namespace

std::vector<Token> tokenize(std::string_view text, size_t limit) {
  std::vector<Token> tokens;
  size_t at = 0;
  while (at < text.size() && tokens.size() < limit) {
    char c = text[at];
    if (is_space(c) || c == '\0') {
      ++at;
    } else if (c == '"') {
      tokens.push_back({Token::Kind::Quoted, take_quoted(text, at)});
    } else if (c == '(') {
      tokens.push_back({Token::Kind::Comment, take_comment(text, at)});
    } else if (c == '[') {
      tokens.push_back({Token::Kind::Literal, take_literal(text, at)});
    } else if (kSpecials.find(c) != std::string_view::npos) {
      tokens.push_back({Token::Kind::Special, std::string(1, c)});
      ++at;
    } else {
      tokens.push_back({Token::Kind::Atom, take_atom(text, at)});
    }
  }
  return tokens;
}

}  // namespace mail::mime
