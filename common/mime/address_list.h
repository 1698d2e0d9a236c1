#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mail::mime {

/// One lexical token of a structured header (RFC 5322, 3.2).
struct Token {
  enum class Kind : unsigned char {
    Atom,     ///< text: as written
    Quoted,   ///< text: without quotes and backslashes
    Literal,  ///< text: [...], brackets kept
    Comment,  ///< text: (...), parentheses kept, nested ones too
    Special,  ///< text: one of < > @ , ; : .
    Address,  ///< text: a whole addr-spec, external form
  };
  Kind kind = Kind::Atom;
  std::string text;
};

/// Splits text into tokens; no Address ones. Unterminated quotes, comments
/// and literals end with the text. At most `limit` tokens
/// (header_address_token_limit); what follows is dropped.
std::vector<Token> tokenize(std::string_view text, size_t limit = 10240);

/// The addresses of a From:, To:, ... header, and a way to change them.
/// Understands groups, comments, routes, and addresses without commas.
///   AddressList list(value);
///   for (size_t i = 0; i < list.size(); ++i) list.set_external(i, "a@b");
///   if (list.changed()) text = list.header("To");
class AddressList {
 public:
  /// value: what follows the colon, may be folded with LF or CRLF.
  explicit AddressList(std::string_view value, size_t token_limit = 10240);

  size_t size() const { return addresses_.size(); }
  /// The address without <> and comments, quoted as written; "" for <>.
  const std::string& external(size_t i) const;
  std::string internal(size_t i) const;
  /// Written between <> in the header.
  bool in_brackets(size_t i) const { return addresses_[i].in_brackets; }
  void set_external(size_t i, std::string_view address);
  void set_internal(size_t i, std::string_view address);
  bool changed() const { return changed_; }

  /// The value with normalised blanks: one between words, ", " between
  /// addresses.
  std::string value() const;
  /// "Name: value" folded at commas with LF TAB before column 70 is passed;
  /// no line end.
  std::string header(std::string_view name) const;

 private:
  struct Place {
    size_t token;  // index in tokens_
    bool in_brackets;
  };
  void find_addresses(std::vector<Token> raw);
  void add_bare(std::vector<Token>& raw, size_t at, size_t end);
  size_t add_bracketed(std::vector<Token>& raw, size_t at);

  std::vector<Token> tokens_;
  std::vector<Place> addresses_;
  bool changed_ = false;
};

}  // namespace mail::mime
