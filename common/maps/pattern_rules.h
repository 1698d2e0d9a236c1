#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/maps/text_file.h"

namespace mail::maps {

/// What regexp_table(5) and pcre_table(5) have in common: the rules' text.
struct RuleText {
  bool negated = false;
  std::string pattern;  ///< between the delimiters
  std::string options;  ///< letters after it
  std::string rest;     ///< after that, without blanks at either end
};

/// "!/pattern/options rest".
/// Errors: Config, the text of a warning, for pcre and for regexp.
Result<RuleText> parse_rule(std::string_view line, bool pcre);

/// A result with $1 in it, cut into pieces.
class Replacement {
 public:
  /// groups: of the pattern. Errors: Config, one or more warnings.
  static Result<Replacement> parse(std::string_view text, size_t groups,
                                   bool negated, bool allowed);
  bool constant() const { return pieces_.empty(); }
  const std::string& text() const { return text_; }
  size_t groups_used() const { return groups_used_; }
  /// group(n): what it matched, empty if it did not.
  template <class Group>
  std::string expand(Group group) const {
    if (constant()) return text_;
    std::string out;
    for (const Piece& piece : pieces_) {
      if (piece.group == 0) {
        out += piece.text;
      } else {
        out += group(piece.group);
      }
    }
    return out;
  }

 private:
  struct Piece {
    std::string text;
    size_t group = 0;  // 0: text
  };
  std::vector<Piece> pieces_;  // empty: text_ as it is
  std::string text_;
  size_t groups_used_ = 0;
};

struct NumberedRule {
  std::string text;
  int line = 0;  // of the file, or the rule's number
};
/// The rules of a pcre, regexp or cidr table: those of the file, or the texts
/// of "type:{ {rule}, ... }" if source begins with '{'. warn: of lines that
/// belong to no rule. Errors: those of file.read(); Config, `pcre map: no '{'
/// at start of text in "..."`.
Result<std::vector<NumberedRule>> read_rules(
    std::string_view type, const std::string& source, TextFile& file,
    const std::function<void(std::string_view)>& warn);

/// Whether a line begins with this word, in any case.
bool is_word(std::string_view line, std::string_view word);

}  // namespace mail::maps
