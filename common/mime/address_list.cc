#include "common/mime/address_list.h"

#include <utility>

#include "common/mime/address.h"

namespace mail::mime {
namespace {

using Kind = Token::Kind;

constexpr size_t kFoldColumn = 70;

bool is_special(const Token& token, char c) {
  return token.kind == Kind::Special && token.text[0] == c;
}
/// Words stand apart from each other.
bool is_word(const Token& token) { return token.kind != Kind::Special; }

/// The token as it is written in a header.
void append_token(std::string& out, const Token& token) {
  if (token.kind != Kind::Quoted) {
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

bool space_between(const Token& left, const Token& right) {
  if (is_special(right, '<')) return !is_special(left, '<');
  if (!is_word(right)) return false;
  return is_word(left) || is_special(left, ',') || is_special(left, ';') ||
         is_special(left, ':');
}

/// Gathers one addr-spec after the other from tokens without separators.
class SpecReader {
 public:
  /// True if `token` cannot belong to the address so far.
  bool starts_new(const Token& token) const {
    return joined_ && !text_.empty() && is_word(token);
  }
  void add(const Token& token) {
    if (token.kind == Kind::Comment) {
      comments_.push_back(token);
      return;
    }
    joined_ = is_word(token);
    append_token(text_, token);
    any_ = true;
  }
  bool any() const { return any_; }
  Token take_address() {
    any_ = joined_ = false;
    return {Kind::Address, std::exchange(text_, {})};
  }
  std::vector<Token> take_comments() { return std::exchange(comments_, {}); }

 private:
  std::string text_;
  std::vector<Token> comments_;
  bool joined_ = false;  // the last token was a word
  bool any_ = false;
};

/// Ends the run of tokens that belong to one mailbox, or to a group's name.
bool ends_run(const Token& token) {
  return token.kind == Kind::Special &&
         std::string_view(",;:<").find(token.text[0]) != std::string_view::npos;
}

}  // namespace

AddressList::AddressList(std::string_view value, size_t token_limit) {
  find_addresses(tokenize(value, token_limit));
}

void AddressList::find_addresses(std::vector<Token> raw) {
  size_t at = 0;
  while (at < raw.size()) {
    size_t end = at;
    while (end < raw.size() && !ends_run(raw[end])) ++end;
    bool phrase = end < raw.size() &&
                  (is_special(raw[end], '<') || is_special(raw[end], ':'));
    // "a <b> c" is two mailboxes.
    bool glued = !tokens_.empty() && is_special(tokens_.back(), '>');
    bool only_comments = true;
    for (size_t i = at; i < end; ++i) {
      only_comments = only_comments && raw[i].kind == Kind::Comment;
    }
    if (glued && (!only_comments || (phrase && at < end))) {
      tokens_.push_back({Kind::Special, ","});
    }
    if (phrase) {
      for (; at < end; ++at) tokens_.push_back(std::move(raw[at]));
    } else {
      add_bare(raw, at, end);
    }
    at = end;
    if (at == raw.size()) break;
    if (is_special(raw[at], '<')) {
      at = add_bracketed(raw, at);
    } else {
      tokens_.push_back(std::move(raw[at++]));
    }
  }
}

/// Addresses without <>, between separators; a comma comes between them.
void AddressList::add_bare(std::vector<Token>& raw, size_t at, size_t end) {
  SpecReader reader;
  bool first = true;
  auto flush = [&] {
    if (reader.any()) {
      if (!first) tokens_.push_back({Kind::Special, ","});
      first = false;
      addresses_.push_back({tokens_.size(), /*in_brackets=*/false});
      tokens_.push_back(reader.take_address());
    }
    for (Token& comment : reader.take_comments()) {
      tokens_.push_back(std::move(comment));
    }
  };
  for (; at < end; ++at) {
    if (raw[at].kind != Kind::Comment && reader.starts_new(raw[at])) flush();
    reader.add(raw[at]);
  }
  flush();
}

/// From "<" to ">", which is added if it is missing. Returns what follows.
size_t AddressList::add_bracketed(std::vector<Token>& raw, size_t at) {
  std::string text;
  std::vector<Token> comments;
  bool after_word = false;
  for (++at; at < raw.size() && !is_special(raw[at], '>'); ++at) {
    if (raw[at].kind == Kind::Comment) {
      comments.push_back(std::move(raw[at]));
      continue;
    }
    if (after_word && is_word(raw[at])) text += ' ';
    after_word = is_word(raw[at]);
    append_token(text, raw[at]);
  }
  tokens_.push_back({Kind::Special, "<"});
  addresses_.push_back({tokens_.size(), /*in_brackets=*/true});
  tokens_.push_back({Kind::Address, std::move(text)});
  for (Token& comment : comments) tokens_.push_back(std::move(comment));
  tokens_.push_back({Kind::Special, ">"});
  return at < raw.size() ? at + 1 : at;
}

const std::string& AddressList::external(size_t i) const {
  return tokens_[addresses_[i].token].text;
}

std::string AddressList::internal(size_t i) const {
  return unquote_local(external(i));
}

void AddressList::set_external(size_t i, std::string_view address) {
  std::string& text = tokens_[addresses_[i].token].text;
  if (text == address) return;
  text = address;
  changed_ = true;
}

void AddressList::set_internal(size_t i, std::string_view address) {
  set_external(i, quote_local(address));
}

std::string AddressList::value() const {
  std::string out;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (i > 0 && space_between(tokens_[i - 1], tokens_[i])) out += ' ';
    append_token(out, tokens_[i]);
  }
  return out;
}

std::string AddressList::header(std::string_view name) const {
  std::string out(name);
  out += ':';
  size_t line_begin = 0, i = 0;
  bool first = true;
  while (i < tokens_.size()) {
    // A piece runs up to a comma and is not parted.
    std::string piece;
    for (bool begin = true; i < tokens_.size(); begin = false) {
      if (!begin && space_between(tokens_[i - 1], tokens_[i])) piece += ' ';
      append_token(piece, tokens_[i++]);
      if (is_special(tokens_[i - 1], ',')) break;
    }
    if (first || out.size() - line_begin + 1 + piece.size() < kFoldColumn) {
      out += ' ';
    } else {
      out += "\n\t";
      line_begin = out.size();
    }
    first = false;
    out += piece;
  }
  return out;
}

}  // namespace mail::mime
