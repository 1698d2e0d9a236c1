#include "common/imap/arg.h"

#include <algorithm>

#include "common/base/number.h"

namespace mail::imap {
namespace {

bool ends_line(std::string_view text, size_t at) {
  return text[at] == '\n' ||
         (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n');
}

/// Ends an atom.
bool is_delimiter(char c) {
  return c == ' ' || c == '(' || c == ')' || c == '\r' || c == '\n';
}

}  // namespace

ArgReader::State ArgReader::fail(std::string_view what, bool fatal) {
  error = ArgError{std::string(what), fatal};
  state_ = State::Failed;
  return state_;
}

// A literal's announcement, at "{" or "~{": its line is complete.
bool ArgReader::read_literal(std::string_view text, std::vector<Arg>& into) {
  Literal found;
  size_t at = at_;
  if (text[at] == '~') {
    found.binary = true;
    ++at;
  }
  size_t close = text.find_first_of("}\n", ++at);
  std::string_view number = text.substr(at, close - at);
  if (number.ends_with('+') || number.ends_with('-')) {
    found.sync = false;
    number.remove_suffix(1);
  }
  auto size = parse_number<uint64_t>(number);
  if (!size || text[close] != '}' || close + 1 >= text.size() ||
      !ends_line(text, close + 1)) {
    fail("Invalid literal size");
    return false;
  }
  size_t begin = text.find('\n', close) + 1;
  found.size = *size;
  if (options_.stop_after && lists_.size() == 1 &&
      into.size() >= *options_.stop_after) {
    literal = found;
    end = begin;
    state_ = State::AtLiteral;
    return false;
  }
  if (found.size > options_.max_line ||
      (options_.literal_minus && !found.sync && found.size > 4096)) {
    fail("Literal size too large", /*fatal=*/true);
    return false;
  }
  sync_literals += found.sync;
  if (text.size() < begin + found.size) {
    need = begin + static_cast<size_t>(found.size);
    return false;
  }
  into.push_back(
      {Arg::Kind::Literal, std::string(text.substr(begin, found.size)), {}});
  at_ = begin + static_cast<size_t>(found.size);
  if (text.find('\n', at_) == std::string_view::npos) {
    need = text.size() + 1;
    return false;
  }
  return true;
}

bool ArgReader::read_quoted(std::string_view text, std::vector<Arg>& into) {
  std::string out;
  for (size_t at = at_ + 1; at < text.size(); ++at) {
    char c = text[at];
    if (c == '"') {
      into.push_back({Arg::Kind::Quoted, std::move(out), {}});
      at_ = at + 1;
      return true;
    }
    if (ends_line(text, at)) break;
    if (c == '\\') {
      if (++at == text.size() || ends_line(text, at)) break;
      c = text[at];
    }
    if (c == '\0') {
      fail("NULs not allowed in strings");
      return false;
    }
    out.push_back(c);
  }
  fail("Missing '\"'");
  return false;
}

bool ArgReader::read_atom(std::string_view text, std::vector<Arg>& into) {
  size_t begin = at_;
  size_t at = at_;
  // BODY[HEADER.FIELDS (A B)]<0.1> comes out as an atom, a list and an atom.
  for (; at < text.size() && !is_delimiter(text[at]); ++at) {
    char c = text[at];
    if (static_cast<unsigned char>(c) >= 128) {
      fail("8bit data in atom");
      return false;
    }
    if (static_cast<unsigned char>(c) < 32 || c == 127 || c == '"' ||
        c == '{') {
      fail("Invalid characters in atom");
      return false;
    }
  }
  std::string_view word = text.substr(begin, at - begin);
  bool nil = iequals(word, "NIL");
  into.push_back(
      {nil ? Arg::Kind::Nil : Arg::Kind::Atom, std::string(word), {}});
  at_ = at;
  return true;
}

// One value, "(" or ")" at at_. False: state_ says what to do.
bool ArgReader::read_value(std::string_view text) {
  std::vector<Arg>& into = target();
  switch (text[at_]) {
    case '(':
      if (lists_.size() > options_.max_depth) {
        fail("Too many '('");
        return false;
      }
      into.push_back({Arg::Kind::List, {}, {}});
      lists_.push_back(&into.back().list);
      ++at_;
      return true;
    case ')':
      if (lists_.size() == 1) {
        fail("Unexpected ')'");
        return false;
      }
      lists_.pop_back();
      ++at_;
      return true;
    case '"':
      return read_quoted(text, into);
    case '{':
      return read_literal(text, into);
    case '~':
      if (at_ + 1 < text.size() && text[at_ + 1] == '{') {
        return read_literal(text, into);
      }
      return read_atom(text, into);
    default:
      return read_atom(text, into);
  }
}

ArgReader::State ArgReader::read(std::string_view text) {
  args.clear();
  error = {};
  literal.reset();
  sync_literals = 0;
  state_ = State::NeedMore;
  need = text.size() + 1;
  at_ = 0;
  lists_.assign(1, &args);
  size_t lf = text.find('\n');
  if (std::min(lf, text.size()) > options_.max_line) fail("Too long argument");
  if (lf == std::string_view::npos) return state_;
  while (state_ == State::NeedMore) {
    while (at_ < text.size() && text[at_] == ' ') ++at_;
    if (at_ >= text.size()) return state_;
    if (ends_line(text, at_)) {
      if (lists_.size() > 1) {
        fail("Missing ')'");
        break;
      }
      end = text.find('\n', at_) + 1;
      return state_ = State::Complete;
    }
    if (text[at_] == '\r') {
      fail("CR sent without LF");
      break;
    }
    if (!read_value(text)) break;
  }
  if (state_ == State::Failed) end = text.find('\n', at_) + 1;
  return state_;
}

}  // namespace mail::imap
