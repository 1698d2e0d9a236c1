#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::spf {

/// What stands where a macro may stand: of the identity that is checked.
struct MacroValues {
  std::string sender;         ///< s: "strong-bad@email.example.com"
  std::string domain;         ///< d: the one whose record is evaluated
  std::string ip;             ///< i, dotted
  std::string helo;           ///< h
  std::string validated;      ///< p; "unknown" when there is none
  std::string_view protocol;  ///< v: "in-addr" or "ip6"
  std::string client;         ///< c, in explanations only
  std::string receiver;       ///< r, in explanations only
  std::string time;           ///< t, seconds since 1970, in explanations only
};

/// A macro-string (RFC 7208, 7.1), checked.
class MacroString {
 public:
  /// Where it stands: in a name that will be looked up, or in an explanation,
  /// where c, r and t are known too and blanks are text.
  enum class Use { Domain, Explanation };

  /// nullopt: bad syntax.
  static std::optional<MacroString> parse(std::string_view text, Use use);
  /// Letters of macros that it uses, in lower case ("p" must be asked of DNS).
  bool uses(char letter) const;
  /// Whether it ends as a domain-spec must: with a macro, or with a top label.
  bool ends_as_domain() const;
  std::string expand(const MacroValues& values) const;

 private:
  struct Part {
    std::string literal;  // used when letter is 0
    char letter = 0;      // in lower case
    bool escape = false;  // an upper-case letter: URL escaping
    size_t keep = 0;      // right-hand parts; 0: all
    bool reverse = false;
    std::string delimiters = ".";
  };
  static std::optional<Part> parse_macro(std::string_view body, Use use);
  static std::string transform(const Part& part, std::string_view value);
  std::vector<Part> parts_;
};

/// Cut from the left, label by label, to the 253 bytes of a name
/// (RFC 7208, 7.3).
std::string as_name(std::string text);

}  // namespace mail::spf
