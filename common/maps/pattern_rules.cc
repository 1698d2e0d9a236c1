#include "common/maps/pattern_rules.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/postfix/logical_lines.h"

namespace mail::maps {
namespace {

bool is_name(char c) { return is_alnum(c) || c == '_'; }

// One reference, `text` being after the '$'. Gives the name and cuts it off.
Result<std::string_view> take_reference(std::string_view& text,
                                        std::string_view whole) {
  std::string_view name;
  if (!text.empty() && (text[0] == '{' || text[0] == '(')) {
    char open = text[0], close = open == '{' ? '}' : ')';
    int depth = 0;
    size_t end = 0;
    for (; end < text.size(); ++end) {
      if (text[end] == open) ++depth;
      if (text[end] == close && --depth == 0) break;
    }
    if (end == text.size()) {
      return fail(Fault::Config,
                  fmt::format("truncated macro reference: \"{}\"", whole));
    }
    name = trim(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
  } else {
    size_t end = 0;
    while (end < text.size() && is_name(text[end])) ++end;
    name = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (name.empty()) {
    return fail(Fault::Config, fmt::format("empty macro name: \"{}\"", whole));
  }
  return name;
}

}  // namespace

Result<RuleText> parse_rule(std::string_view line, bool pcre) {
  RuleText rule;
  while (!line.empty() && line.front() == '!') {
    rule.negated = !rule.negated;
    line = trim_left(line.substr(1));
  }
  if (line.empty()) {
    return fail(Fault::Config, "no regexp: skipping this rule");
  }
  char delimiter = line.front();
  size_t end = 1;
  while (end < line.size() && line[end] != delimiter) {
    end += line[end] == '\\' && end + 1 < line.size() ? 2 : 1;
  }
  if (end >= line.size()) {
    return fail(Fault::Config,
                fmt::format("no closing regexp delimiter \"{}\": {} this rule",
                            delimiter, pcre ? "ignoring" : "skipping"));
  }
  rule.pattern = line.substr(1, end - 1);
  line.remove_prefix(end + 1);
  size_t options = 0;
  while (options < line.size() && !is_space(line[options])) ++options;
  rule.options = line.substr(0, options);
  rule.rest = trim(line.substr(options));
  return rule;
}

Result<Replacement> Replacement::parse(std::string_view text, size_t groups,
                                       bool negated, bool allowed) {
  constexpr std::string_view kBad =
      "bad replacement syntax: skipping this rule";
  Replacement out;
  std::string literal;
  std::string_view rest = text;
  while (!rest.empty()) {
    if (rest[0] != '$') {
      literal += rest[0];
      rest.remove_prefix(1);
      continue;
    }
    rest.remove_prefix(1);
    if (!rest.empty() && rest[0] == '$') {
      literal += '$';
      rest.remove_prefix(1);
      continue;
    }
    auto name = take_reference(rest, text);
    if (!name) {
      // A first line without the file's name in front.
      return fail(Fault::Config,
                  fmt::format("\n{}\n{}", name.error().what, kBad));
    }
    auto group = parse_number<size_t>(*name);
    if (!group) {
      return fail(
          Fault::Config,
          fmt::format("non-numeric replacement index \"{}\"\n{}", *name, kBad));
    }
    if (negated) {
      return fail(Fault::Config,
                  "$number found in negative match replacement text: skipping "
                  "this rule");
    }
    if (!allowed) {
      return fail(Fault::Config,
                  "regular expression substitution is not allowed: skipping "
                  "this rule");
    }
    if (*group < 1 || *group > groups) {
      return fail(Fault::Config,
                  fmt::format("out of range replacement index \"{}\": "
                              "skipping this rule",
                              *group));
    }
    if (!literal.empty()) out.pieces_.push_back({std::move(literal), 0});
    literal.clear();
    out.pieces_.push_back({{}, *group});
    out.groups_used_ = std::max(out.groups_used_, *group);
  }
  if (out.pieces_.empty()) {
    out.text_ = std::move(literal);
  } else if (!literal.empty()) {
    out.pieces_.push_back({std::move(literal), 0});
  }
  return out;
}

namespace {

/// nullopt if name is a file's.
Result<std::optional<std::vector<std::string>>> inline_rules(
    std::string_view type, std::string_view name) {
  std::optional<std::vector<std::string>> rules;
  if (name.empty() || name.front() != '{') return rules;
  auto bad = [&](std::string_view what, std::string_view at) {
    return fail(Fault::Config,
                fmt::format("{} map: {} in \"{}\"", type, what, at));
  };
  if (name.back() != '}') return bad("missing '}'", name);
  rules.emplace();
  for (std::string_view item : split_braced(name.substr(1, name.size() - 2))) {
    if (item.front() != '{') return bad("no '{' at start of text", item);
    if (item.size() < 2 || item.back() != '}') return bad("missing '}'", item);
    std::string_view rule = trim(item.substr(1, item.size() - 2));
    if (!rule.empty()) rules->emplace_back(rule);
  }
  return rules;
}

}  // namespace

Result<std::vector<NumberedRule>> read_rules(
    std::string_view type, const std::string& source, TextFile& file,
    const std::function<void(std::string_view)>& warn) {
  std::vector<NumberedRule> rules;
  auto given = TRY(inline_rules(type, source));
  if (given) {
    int line = 0;
    for (std::string& text : *given) rules.push_back({std::move(text), ++line});
    return rules;
  }
  std::string text = TRY(file.read());
  config::LogicalLines lines(text, source, warn);
  while (auto line = lines.next()) {
    rules.push_back({std::string(line->text), line->line});
  }
  return rules;
}

bool is_word(std::string_view line, std::string_view word) {
  return istarts_with(line, word) &&
         (line.size() == word.size() || !is_alnum(line[word.size()]));
}

}  // namespace mail::maps
