#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace mail::dkim {

/// A tag=value list (RFC 6376, 3.2): DKIM-Signature fields and key records.
class TagList {
 public:
  /// text: what follows the header's colon, or a key record.
  /// what: "signature data" or "key data", for the errors' texts.
  /// Blanks around names and values are dropped, those inside values kept.
  /// Errors: Protocol, "syntax error in WHAT (ASCII 0x69 at offset 6)" and
  /// the like; offsets count from the begin of `text`.
  static Result<TagList> parse(std::string_view text, std::string_view what);

  /// nullptr: there is no such tag. Of several the last counts. Names are
  /// compared as they are written.
  const std::string* find(std::string_view name) const;
  size_t size() const { return tags_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> tags_;
};

/// Without any blank, CR, LF: base64 and names are written folded.
std::string without_blanks(std::string_view text);
/// Base64 in which characters outside the alphabet are skipped, up to "=".
std::string decode_base64(std::string_view text);
/// dkim-quoted-printable (RFC 6376, 2.11); a bad escape is copied.
std::string decode_quoted(std::string_view text);
/// The same, written: all but %x21-3A %x3C %x3E-7E, and but "|".
std::string encode_quoted(std::string_view text);
/// "a : b:c": the elements, blanks dropped; empty ones too.
std::vector<std::string> colon_list(std::string_view text);

}  // namespace mail::dkim
