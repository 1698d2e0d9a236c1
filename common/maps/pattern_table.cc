#include "common/maps/pattern_table.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/maps/change.h"

namespace mail::maps {
namespace {

// "if", "endif": a word of its own, or before the pattern's delimiter.
}  // namespace

PatternTable::PatternTable(std::string_view type, const std::string& name,
                           const OpenOptions& options, Compile compile)
    : Table(fmt::format("{}:{}", type, name), options, flag::kPattern),
      type_(type),
      source_(name),
      compile_(compile),
      file_(name, options.root, "open ") {}

Result<> PatternTable::load() {
  auto rules = TRY(read_rules(type_, source_, file_,
                              [this](std::string_view line) { warn(line); }));
  rules_.clear();
  open_ifs_.clear();
  for (const auto& [text, line] : rules) parse_line(text, line);
  for (size_t at : open_ifs_) {
    skip(rules_[at].line, "IF has no matching ENDIF");
    rules_[at].end = rules_.size();
  }
  open_ifs_.clear();
  return {};
}

// Lines with nothing before them are whole warnings; others get the place.
void PatternTable::skip(int line, std::string_view texts) {
  bool bare = texts.starts_with('\n');
  for (std::string_view text : split(texts, "\n")) {
    if (bare) {
      warn(text);
    } else {
      warn(fmt::format("{} map {}, line {}: {}", type_, source_, line, text));
    }
    bare = false;
  }
}

void PatternTable::parse_line(std::string_view text, int line) {
  text = trim(text);
  if (text.empty()) return;
  if (!is_alnum(text.front())) return parse_match(text, line);
  if (is_word(text, "if")) return parse_if(trim_left(text.substr(2)), line);
  if (is_word(text, "endif")) return parse_endif(trim(text.substr(5)), line);
  skip(line, "ignoring unrecognized request");
}

void PatternTable::parse_if(std::string_view text, int line) {
  auto rule = parse_rule(text, type_ == "pcre");
  if (!rule) return skip(line, rule.error().what);
  if (!rule->rest.empty()) {
    skip(line, fmt::format("ignoring extra text after IF statement: \"{}\"",
                           rule->rest));
    skip(line, "do not prepend whitespace to statements between IF and ENDIF");
  }
  auto expression = compile_(*rule);
  if (!expression) return skip(line, expression.error().what);
  Rule made;
  made.kind = Kind::If;
  made.negated = rule->negated;
  made.line = line;
  made.expression = std::move(*expression);
  open_ifs_.push_back(rules_.size());
  rules_.push_back(std::move(made));
}

void PatternTable::parse_endif(std::string_view text, int line) {
  if (open_ifs_.empty()) {
    return skip(line, "ignoring ENDIF without matching IF");
  }
  if (!text.empty()) skip(line, "ignoring extra text after ENDIF");
  rules_[open_ifs_.back()].end = rules_.size();
  open_ifs_.pop_back();
}

void PatternTable::parse_match(std::string_view text, int line) {
  auto rule = parse_rule(text, type_ == "pcre");
  if (!rule) return skip(line, rule.error().what);
  if (rule->rest.empty()) {
    skip(line, "no replacement text: using empty string");
  }
  auto expression = compile_(*rule);
  if (!expression) return skip(line, expression.error().what);
  auto replacement =
      Replacement::parse(rule->rest, (*expression)->groups(), rule->negated,
                         (flags_ & flag::kNoRegsub) == 0);
  if (!replacement) return skip(line, replacement.error().what);
  Rule made;
  made.negated = rule->negated;
  made.line = line;
  made.expression = std::move(*expression);
  made.replacement = std::move(*replacement);
  rules_.push_back(std::move(made));
}

Result<Table::Found> PatternTable::get(std::string_view key) {
  for (size_t i = 0; i < rules_.size();) {
    const Rule& rule = rules_[i];
    bool matched = rule.expression->matches(key) != rule.negated;
    if (rule.kind == Kind::If) {
      i = matched ? i + 1 : rule.end;
      continue;
    }
    if (matched) {
      return Found(rule.replacement.expand(
          [&](size_t n) { return rule.expression->group(n); }));
    }
    ++i;
  }
  return Found();
}

void PatternTable::refresh(Instant now) {
  if (source_.front() == '{' || !file_.changed(now)) return;
  inform(change_text(*this, options_));
  if (!load() && options_.restart) options_.restart();
}

}  // namespace mail::maps
