#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace mail::mime {

/// Converts text of one charset to UTF-8; a door to ICU. What cannot be
/// converted becomes U+FFFD.
class Decoder {
 public:
  /// nullptr: no such charset is known.
  static std::unique_ptr<Decoder> open(std::string_view charset);
  virtual ~Decoder() = default;
  /// Appends to `out`. Pieces of one text follow each other; `last` ends it.
  virtual void decode(std::string_view bytes, bool last, std::string& out) = 0;
};

/// True for names whose text is (nearly) UTF-8 or ASCII already.
bool is_utf8_charset(std::string_view charset);
bool is_known_charset(std::string_view charset);

/// A whole text; an unknown charset is read as UTF-8.
std::string to_utf8(std::string_view bytes, std::string_view charset);

/// What is compared in SEARCH and SORT (i;unicode-casemap, RFC 5051): each
/// character in title case, then decomposed. Ill-formed bytes become U+FFFD.
/// Of ASCII: upper case.
std::string casemap(std::string_view utf8);

/// RFC 2047 encoded words of a header's value to UTF-8, folding undone: line
/// breaks go, blanks between two encoded words too.
std::string decode_words(std::string_view value);

/// Appends the first characters of `utf8` that fit into `limit` bytes.
std::string_view utf8_prefix(std::string_view utf8, size_t limit);

}  // namespace mail::mime
