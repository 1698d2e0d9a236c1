#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/maps/pattern_rules.h"
#include "common/maps/text_file.h"
#include "common/maps/types.h"

namespace mail::maps {

/// A compiled expression. Its last match is kept for group().
class Expression {
 public:
  virtual ~Expression() = default;
  virtual size_t groups() const = 0;
  virtual bool matches(std::string_view text) = 0;
  /// What group n of the last match was, 1 is the first; a view of its text.
  virtual std::string_view group(size_t n) const = 0;
};

/// regexp:, pcre: rules in order, with if ... endif.
class PatternTable : public Table {
 public:
  /// Errors: Config, a warning's text for the rule.
  using Compile = Result<std::unique_ptr<Expression>> (*)(const RuleText& rule);

  PatternTable(std::string_view type, const std::string& name,
               const OpenOptions& options, Compile compile);
  Result<> load();
  void refresh(Instant now) override;

 protected:
  Result<Found> get(std::string_view key) override;

 private:
  enum class Kind { Match, If };
  struct Rule {
    Kind kind = Kind::Match;
    bool negated = false;
    size_t end = 0;  // If: the rule of its endif
    int line = 0;
    std::unique_ptr<Expression> expression;
    Replacement replacement;
  };
  void parse_line(std::string_view text, int line);
  void parse_if(std::string_view text, int line);
  void parse_endif(std::string_view text, int line);
  void parse_match(std::string_view text, int line);
  void skip(int line, std::string_view texts);

  std::string type_, source_;
  Compile compile_;
  TextFile file_;
  std::vector<Rule> rules_;
  std::vector<size_t> open_ifs_;
};

}  // namespace mail::maps
