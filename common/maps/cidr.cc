#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/maps/change.h"
#include "common/maps/network.h"
#include "common/maps/pattern_rules.h"
#include "common/maps/text_file.h"
#include "common/maps/types.h"

namespace mail::maps {
namespace {

/// cidr_table(5): rules in order, with if ... endif.
class CidrTable : public Table {
 public:
  CidrTable(const std::string& name, const OpenOptions& options)
      : Table("cidr:" + name, options, flag::kPattern),
        source_(name),
        file_(name, options.root, "open ") {}
  Result<> load();
  void refresh(Instant now) override {
    if (source_.front() == '{' || !file_.changed(now)) return;
    inform(change_text(*this, options_));
    if (!load() && options_.restart) options_.restart();
  }

 protected:
  Result<Found> get(std::string_view key) override;

 private:
  struct Rule {
    Network network;
    bool negated = false;
    bool is_if = false;
    size_t end = 0;  // If: the rule after its endif
    int line = 0;
    std::string result;
  };
  void parse_line(std::string_view text, int line);
  Result<> parse(std::string_view text, int line);
  void tell(int line, std::string_view text) {
    warn(fmt::format("cidr map {}, line {}: {}", source_, line, text));
  }

  std::string source_;
  TextFile file_;
  std::vector<Rule> rules_;
  std::vector<size_t> open_ifs_;
};

Result<> CidrTable::load() {
  auto rules = TRY(read_rules("cidr", source_, file_,
                              [this](std::string_view line) { warn(line); }));
  rules_.clear();
  open_ifs_.clear();
  for (const auto& [text, line] : rules) parse_line(text, line);
  for (size_t at : open_ifs_) {
    tell(rules_[at].line, "IF has no matching ENDIF");
    rules_[at].end = rules_.size();
  }
  return {};
}

void CidrTable::parse_line(std::string_view text, int line) {
  if (trim(text).empty()) return;
  auto done = parse(trim(text), line);
  if (!done) tell(line, done.error().what + ": skipping this rule");
}

Result<> CidrTable::parse(std::string_view text, int line) {
  Rule rule;
  rule.line = line;
  if (is_word(text, "endif")) {
    if (open_ifs_.empty()) return fail(Fault::Config, "ENDIF without IF");
    if (!trim(text.substr(5)).empty()) {
      return fail(Fault::Config, "garbage after ENDIF");
    }
    rules_[open_ifs_.back()].end = rules_.size();
    open_ifs_.pop_back();
    return {};
  }
  if (is_word(text, "if")) {
    rule.is_if = true;
    text = trim_left(text.substr(2));
  }
  while (!text.empty() && text.front() == '!') {
    rule.negated = !rule.negated;
    text = trim_left(text.substr(1));
  }
  if (text.empty()) return fail(Fault::Config, "no address pattern");
  size_t end = 0;
  while (end < text.size() && !is_space(text[end])) ++end;
  rule.network = TRY(Network::parse(text.substr(0, end)));
  rule.result = trim(text.substr(end));
  if (rule.is_if) {
    if (!rule.result.empty()) {
      tell(line, "ignoring extra text after IF");
    }
    open_ifs_.push_back(rules_.size());
  } else if (rule.result.empty()) {
    return fail(Fault::Config, "no lookup result");
  }
  rules_.push_back(std::move(rule));
  return {};
}

Result<Table::Found> CidrTable::get(std::string_view key) {
  auto address = net::IpAddress::parse(key);
  if (!address) return Found();
  for (size_t i = 0; i < rules_.size();) {
    const Rule& rule = rules_[i];
    // The other family does not match, not even a negated rule.
    bool matched = rule.network.address.is_v4() == address->is_v4() &&
                   rule.network.contains(*address) != rule.negated;
    if (!rule.is_if && matched) return Found(rule.result);
    i = rule.is_if && !matched ? rule.end : i + 1;
  }
  return Found();
}

}  // namespace

Opened open_cidr(const std::string& name, const OpenOptions& options) {
  TRY(read_only("cidr:" + name, options));
  auto table = std::make_unique<CidrTable>(name, options);
  TRY(table->load());
  return Opened(std::move(table));
}

}  // namespace mail::maps
