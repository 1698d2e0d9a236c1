#include <fmt/core.h>

#include <vector>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "common/maps/source.h"

namespace mail::maps {
namespace {

struct Token {
  enum class Kind { Word, Quoted, Literal, Comment, Special };
  Kind kind = Kind::Word;
  std::string text;
};
using Kind = Token::Kind;

constexpr std::string_view kSpecials = "<>@,;:.";

// Up to an unescaped `end`; backslashes are taken off.
std::string take_until(std::string_view& rest, char end) {
  std::string text;
  while (!rest.empty() && rest[0] != end) {
    if (rest[0] == '\\' && rest.size() > 1) rest.remove_prefix(1);
    text += is_space(rest[0]) ? ' ' : rest[0];
    rest.remove_prefix(1);
  }
  if (!rest.empty()) rest.remove_prefix(1);
  return text;
}

// With its parentheses, nested ones too; backslashes stay.
std::string take_comment(std::string_view& rest) {
  int depth = 0;
  size_t end = 0;
  while (end < rest.size()) {
    char c = rest[end++];
    if (c == '\\' && end < rest.size()) {
      ++end;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0) {
      break;
    }
  }
  std::string text(rest.substr(0, end));
  rest.remove_prefix(end);
  return text;
}

// A lone '|' before a quoted command belongs to it.
Token take_word(std::string_view& rest) {
  Token token;
  while (!rest.empty() && !is_space(rest[0]) &&
         kSpecials.find(rest[0]) == kSpecials.npos && rest[0] != '"' &&
         rest[0] != '(' && rest[0] != '[') {
    if (rest[0] == '\\') {
      rest.remove_prefix(1);
      if (rest.empty()) break;
    }
    token.text += rest[0];
    rest.remove_prefix(1);
  }
  return token;
}

std::vector<Token> tokens_of(std::string_view rest) {
  std::vector<Token> tokens;
  while (true) {
    rest = trim_left(rest);
    if (rest.empty()) return tokens;
    char c = rest[0];
    if (c == '"') {
      rest.remove_prefix(1);
      tokens.push_back({Kind::Quoted, take_until(rest, '"')});
    } else if (c == '(') {
      tokens.push_back({Kind::Comment, take_comment(rest)});
    } else if (c == '[') {
      rest.remove_prefix(1);
      tokens.push_back({Kind::Literal, "[" + take_until(rest, ']') + "]"});
    } else if (kSpecials.find(c) != kSpecials.npos) {
      rest.remove_prefix(1);
      tokens.push_back({Kind::Special, std::string(1, c)});
    } else {
      tokens.push_back(take_word(rest));
    }
  }
}

bool is_special(const Token& token, char c) {
  return token.kind == Kind::Special && token.text[0] == c;
}

bool must_quote(const Token& token) {
  if (token.kind == Kind::Quoted) return true;
  if (token.kind != Kind::Word) return false;
  for (char c : token.text) {
    if (is_space(c) || c == '"' || c == '\\' || c == '(' ||
        kSpecials.find(c) != kSpecials.npos) {
      return true;
    }
  }
  return false;
}

void print(const Token& token, bool external, std::string& out) {
  if (!external || !must_quote(token)) {
    out += token.text;
    return;
  }
  out += '"';
  for (char c : token.text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// One blank between words and before '<', one after a comma.
std::string print(const std::vector<Token>& tokens, size_t from, size_t to,
                  bool external) {
  std::string out;
  for (size_t i = from; i < to; ++i) {
    if (i > from) {
      const Token& before = tokens[i - 1];
      bool word = before.kind != Kind::Special;
      bool opens =
          tokens[i].kind != Kind::Special || is_special(tokens[i], '<');
      bool command = tokens[i].kind == Kind::Quoted && before.text == "|";
      if ((word && opens && !command) || is_special(before, ',')) out += ' ';
    }
    print(tokens[i], external, out);
  }
  if (to > from && is_special(tokens[to - 1], ',')) out += ' ';
  return out;
}

}  // namespace

AliasSource::AliasSource(std::string_view text, std::string path,
                         MapSource::Options options)
    : path_(std::move(path)),
      options_(std::move(options)),
      lines_(text, path_, options_.warn) {}

void AliasSource::warn(int line, std::string_view text) const {
  if (options_.warn) {
    options_.warn(fmt::format("{}, line {}: {}", path_, line, text));
  }
}

std::optional<SourceEntry> AliasSource::next() {
  while (auto line = lines_.next()) {
    SourceEntry entry;
    if (parse(line->text, line->line, entry)) return entry;
  }
  return std::nullopt;
}

bool AliasSource::parse(std::string_view line, int number,
                        SourceEntry& entry) const {
  if (options_.utf8 && !is_utf8(line)) {
    warn(number,
         fmt::format("non-UTF-8 input \"{}\" -- ignoring this line", line));
    return false;
  }
  auto tokens = tokens_of(line);
  size_t colon = 0;
  bool comma = false;
  while (colon < tokens.size() && !is_special(tokens[colon], ':')) {
    comma = comma || is_special(tokens[colon], ',');
    ++colon;
  }
  if (colon == 0 || colon + 1 >= tokens.size() || comma) {
    warn(number, "need name:value pair");
    return false;
  }
  for (size_t i = 0; i < colon; ++i) {
    bool foreign = is_special(tokens[i], '@') ||
                   (tokens[i].kind == Kind::Word &&
                    tokens[i].text.find('%') != std::string::npos);
    if (!foreign) continue;
    warn(number, "name must be local");
    return false;
  }
  entry = {print(tokens, 0, colon, /*external=*/false),
           print(tokens, colon + 1, tokens.size(), /*external=*/true), number};
  return true;
}

}  // namespace mail::maps
