#include "common/dkim/auth_results.h"

#include <optional>

#include "common/base/ascii.h"

namespace mail::dkim {

namespace {

constexpr size_t kResultMargin = 75;
constexpr size_t kResultColumn = 25;
constexpr size_t kResultTab = 8;
constexpr size_t kMaxDepth = 64;  // of nested comments

bool is_special(char c) {
  return c == ';' || c == '=' || c == '/' || c == '"' || c == '(' || c == ')';
}

/// Splits into words, quoted strings and the specials ; = /; skips comments.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() {
    skip();
    return broken_ || at_ == text_.size();
  }
  bool broken() const { return broken_; }
  bool take(char special) {
    if (at_end() || text_[at_] != special) return false;
    ++at_;
    return true;
  }
  /// A word or a quoted string; "/" is part of a word when `slash`.
  std::optional<std::string> word(bool slash = false) {
    if (at_end()) return std::nullopt;
    if (text_[at_] == '"') return quoted_string();
    std::string out;
    while (at_ < text_.size() && !is_space(text_[at_]) &&
           (!is_special(text_[at_]) || (slash && text_[at_] == '/'))) {
      out += text_[at_++];
    }
    if (out.empty()) return std::nullopt;
    return out;
  }
  /// The value of a property: also holds "@", and is what blanks end.
  bool skip_value() {
    if (at_end()) return false;
    if (text_[at_] == '"') {
      if (!quoted_string()) return false;
    }
    while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != ';' &&
           text_[at_] != '(') {
      ++at_;
    }
    return true;
  }

 private:
  void skip() {
    while (at_ < text_.size() && !broken_) {
      if (is_space(text_[at_])) {
        ++at_;
      } else if (text_[at_] == '(') {
        skip_comment();
      } else {
        return;
      }
    }
  }
  void skip_comment() {
    size_t depth = 0;
    do {
      char c = text_[at_++];
      if (c == '\\' && at_ < text_.size()) {
        ++at_;
      } else if (c == '(') {
        ++depth;
      } else if (c == ')') {
        --depth;
      }
    } while (depth > 0 && depth < kMaxDepth && at_ < text_.size());
    broken_ = depth > 0;
  }
  std::optional<std::string> quoted_string() {
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return out;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_];
    }
    broken_ = true;
    return std::nullopt;
  }

  std::string_view text_;
  size_t at_ = 0;
  bool broken_ = false;
};

/// reason= and the properties of one result, "header.d=example.com".
bool skip_properties(Scanner& in) {
  while (!in.at_end()) {
    if (in.take(';')) return true;
    if (!in.word(true) || !in.take('=') || !in.skip_value()) return false;
  }
  return !in.broken();
}

/// All after the authserv-id.
bool read_methods(Scanner& in, AuthResults& out) {
  if (!in.at_end() && !in.take(';')) {
    auto version = in.word();
    if (!version || (!in.at_end() && !in.take(';'))) return false;
  }
  while (!in.at_end()) {
    auto method = in.word();
    if (!method) return false;
    if (in.take('/') && !in.word()) return false;
    if (!in.take('=')) {
      // "none" stands alone (RFC 8601, 2.2).
      if (iequals(*method, "none") && out.methods.empty() && in.at_end()) {
        return !in.broken();
      }
      return false;
    }
    auto result = in.word();
    if (!result) return false;
    out.methods.push_back({*method, *result});
    if (!skip_properties(in)) return false;
  }
  return !in.broken();
}

}  // namespace

Result<AuthResults> read_auth_results(std::string_view value) {
  Scanner in(value);
  AuthResults out;
  auto id = in.word(true);
  if (!id) return fail(Fault::Protocol, "no authserv-id");
  out.authserv_id = std::move(*id);
  out.well_formed = read_methods(in, out);
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string fold_auth_results(const std::vector<std::string>& pieces) {
  std::string out;
  size_t column = kResultColumn;
  for (const auto& piece : pieces) {
    if (out.empty()) {
      column += piece.size();
    } else if (column + 1 + piece.size() >= kResultMargin) {
      out += "\n\t";
      column = kResultTab + piece.size();
    } else {
      out += ' ';
      column += 1 + piece.size();
    }
    out += piece;
  }
  return out;
}

}  // namespace mail::dkim
