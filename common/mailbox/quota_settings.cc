#include "common/mailbox/quota_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::mailbox {

namespace {

constexpr int64_t kKilo = 1024;

Failure bad(std::string text) { return fail(Fault::Config, std::move(text)); }

/// What a rule names.
struct Limits {
  std::optional<int64_t> bytes, messages;
  bool ignore = false, plus = false;
};

/// storage=1G:messages=10:ignore. Shares are of `whole`.
Result<Limits> parse_limits(std::string_view text, const QuotaAmount& whole) {
  Limits out;
  for (std::string_view part : split_exact(text, ':')) {
    if (part.empty()) continue;
    if (part == "ignore") {
      out.ignore = true;
      continue;
    }
    size_t equals = part.find('=');
    std::string_view key = part.substr(0, equals);
    bool of_bytes = key == "storage" || key == "bytes";
    if (equals == part.npos || (!of_bytes && key != "messages")) {
      return bad(fmt::format("Unknown rule limit '{}'", part));
    }
    std::string_view value = part.substr(equals + 1);
    bool minus = value.starts_with('-');
    bool sign = minus || value.starts_with('+');
    if (sign) value.remove_prefix(1);
    auto amount = parse_quota_amount(value, key == "storage" ? kKilo : 1,
                                     of_bytes ? whole.bytes : whole.messages);
    if (!amount) return bad(fmt::format("Invalid rule limit '{}'", part));
    out.plus = out.plus || (sign && !minus);
    (of_bytes ? out.bytes : out.messages) = minus ? -*amount : *amount;
  }
  return out;
}

/// The settings of one root: "quota" or "quota2" and so on.
class RootReader {
 public:
  RootReader(std::string name, const PluginSetting& plugin)
      : name_(std::move(name)), plugin_(plugin) {}

  /// nullopt: its backend is not built.
  Result<std::optional<QuotaRoot>> read(std::string_view value) {
    auto parts = split_exact(value, ':');
    std::string_view backend = parts[0];
    if (backend == "maildir") {
      root_.backend = QuotaRoot::Backend::Maildir;
    } else if (backend != "count") {
      for (auto known : {"dict", "dirsize", "fs", "imapc"}) {
        if (backend == known) return std::optional<QuotaRoot>();
      }
      return bad(
          fmt::format("Failed to initialize quota: Invalid quota root "
                      "{}: Unknown quota backend: {}",
                      name_, backend));
    }
    if (parts.size() > 1) root_.name = parts[1];
    for (size_t i = 2; i < parts.size(); ++i) TRY(argument(parts[i]));
    TRY(rules());
    TRY(grace());
    return std::optional<QuotaRoot>(std::move(root_));
  }

 private:
  Failure wrong(const Error& error) const {
    return bad(
        fmt::format("Failed to initialize quota: Invalid quota root "
                    "{}: {}",
                    name_, error.what));
  }

  Result<> argument(std::string_view text) {
    if (text.empty()) return {};
    if (text == "noenforcing") {
      root_.enforced = false;
    } else if (text.starts_with("ns=")) {
      root_.name_space = text.substr(3);
    } else {
      std::string_view backend =
          root_.backend == QuotaRoot::Backend::Count ? "count" : "maildir";
      return bad(
          fmt::format("Failed to initialize quota: Quota root {}: {} quota "
                      "init failed: Unknown parameter for backend {}: {}",
                      root_.name, backend, backend, text));
    }
    return {};
  }

  /// NAME, NAME2, NAME3 and so on until one is missing.
  std::vector<std::string> numbered(const std::string& setting) const {
    std::vector<std::string> out;
    for (int i = 1;; ++i) {
      auto value = plugin_(i == 1 ? setting : fmt::format("{}{}", setting, i));
      if (!value) return out;
      out.push_back(std::move(*value));
    }
  }

  Result<> rules() {
    auto texts = numbered(name_ + "_rule");
    bool any = false;
    // The limit of all first: shares are of it.
    for (bool general : {true, false}) {
      for (const std::string& text : texts) {
        size_t colon = text.find(':');
        if (colon == text.npos) {
          return wrong(
              {Fault::Config,
               fmt::format("Invalid rule {}: Missing mailbox name", text)});
        }
        std::string mailbox = text.substr(0, colon);
        bool is_general = mailbox == "*" || mailbox == "?";
        if (is_general != general) continue;
        auto limits = parse_limits(text.substr(colon + 1), root_.limit);
        if (!limits) return wrong(limits.error());
        if (is_general) {
          any = true;
          if (auto odd = set_limit(*limits); !odd.empty()) {
            return wrong(
                {Fault::Config, fmt::format("Invalid rule {}: {}", text, odd)});
          }
          continue;
        }
        add_rule(std::move(mailbox), *limits);
      }
    }
    root_.limit_from_file =
        !any && root_.backend == QuotaRoot::Backend::Maildir;
    return {};
  }

  /// The limit of all: each rule sets what it names. Returns what is wrong
  /// with it, in the original's words, or "".
  std::string_view set_limit(const Limits& limits) {
    if (limits.plus) return "Rule limit cannot have '+'";
    if (limits.bytes.value_or(0) < 0) return "Bytes limit can't be negative";
    if (limits.messages.value_or(0) < 0) {
      return "Messages limit can't be negative";
    }
    if (limits.bytes) root_.limit.bytes = natural(*limits.bytes);
    if (limits.messages) root_.limit.messages = natural(*limits.messages);
    return "";
  }

  void add_rule(std::string mailbox, const Limits& limits) {
    auto& rules = root_.rules;
    auto at = std::find_if(rules.begin(), rules.end(), [&](const auto& rule) {
      return rule.mailbox == mailbox;
    });
    if (at == rules.end()) {
      at = rules.insert(at, QuotaRule{});
      at->mailbox = std::move(mailbox);
    }
    at->ignore = at->ignore || limits.ignore;
    if (limits.bytes) at->bytes = *limits.bytes;
    if (limits.messages) at->messages = *limits.messages;
  }

  Result<> grace() {
    auto text = plugin_("quota_grace");
    if (!text || text->empty()) return {};
    root_.grace = {};
    auto amount = parse_quota_amount(*text, 1, root_.limit.bytes);
    if (!amount) {
      return bad("Failed to initialize quota: quota_grace: Invalid value: " +
                 *text);
    }
    root_.grace.percent = 0;
    root_.grace.bytes = natural(*amount);
    if (text->ends_with('%')) {
      root_.grace.percent = static_cast<unsigned>(
          parse_number<unsigned>(trim(text->substr(0, text->size() - 1)))
              .value_or(0));
      root_.grace.bytes = 0;
    }
    return {};
  }

  std::string name_;
  const PluginSetting& plugin_;
  QuotaRoot root_;
};

}  // namespace

std::optional<int64_t> parse_quota_amount(std::string_view text, int64_t unit,
                                          uint64_t whole) {
  size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  auto number = parse_number<int64_t>(text.substr(0, digits));
  if (!number) return std::nullopt;
  std::string suffix = lower(trim(text.substr(digits)));
  if (suffix == "%") {
    return static_cast<int64_t>(whole / 100 * static_cast<uint64_t>(*number) +
                                whole % 100 * static_cast<uint64_t>(*number) /
                                    100);
  }
  if (suffix.size() == 2 && suffix[1] == 'b') suffix.pop_back();
  if (!suffix.empty()) {
    size_t power = std::string_view("bkmgt").find(suffix[0]);
    if (suffix.size() > 1 || power == std::string_view::npos) {
      return std::nullopt;
    }
    unit = 1;
    for (size_t i = 0; i < power; ++i) unit *= kKilo;
  }
  if (*number > std::numeric_limits<int64_t>::max() / unit) return std::nullopt;
  return *number * unit;
}

const QuotaRule* QuotaRoot::rule_for(std::string_view mailbox) const {
  for (const QuotaRule& rule : rules) {
    bool same = rule.mailbox == mailbox ||
                (iequals(mailbox, "INBOX") && iequals(rule.mailbox, "INBOX"));
    if (same) return &rule;
  }
  return nullptr;
}

QuotaAmount QuotaRoot::limit_in(std::string_view mailbox) const {
  QuotaAmount out = limit;
  const QuotaRule* rule = rule_for(mailbox);
  if (!rule) return out;
  auto add = [](uint64_t& value, int64_t more) {
    // 0: no limit, which has no more.
    if (value != 0) {
      value =
          std::max<uint64_t>(1, natural(static_cast<int64_t>(value) + more));
    }
  };
  add(out.bytes, rule->bytes);
  add(out.messages, rule->messages);
  return out;
}

Result<QuotaSettings> read_quota_settings(const PluginSetting& plugin) {
  QuotaSettings out;
  for (int i = 1;; ++i) {
    std::string name = i == 1 ? "quota" : fmt::format("quota{}", i);
    auto value = plugin(name);
    if (!value || value->empty()) break;
    auto root = TRY(RootReader(name, plugin).read(*value));
    if (root) {
      out.roots.push_back(std::move(*root));
    } else {
      out.unbuilt.push_back(fmt::format("{} = {}", name, *value));
    }
  }
  if (auto text = plugin("quota_max_mail_size")) {
    auto size = parse_quota_amount(*text, 1, 0);
    if (!size) {
      return bad("Failed to initialize quota: Invalid quota_max_mail_size: " +
                 *text);
    }
    out.max_mail_size = natural(*size);
  }
  if (auto text = plugin("quota_exceeded_message"); text && !text->empty()) {
    out.exceeded = *text;
  }
  out.virtual_sizes = plugin("quota_vsizes").has_value();
  for (const QuotaRoot& root : out.roots) {
    if (root.backend != QuotaRoot::Backend::Count || out.virtual_sizes)
      continue;
    return bad(
        fmt::format("Failed to initialize quota: Quota root {}: count "
                    "quota init failed: quota count backend requires "
                    "quota_vsizes=yes",
                    root.name));
  }
  for (const char* name : {"quota_warning", "quota_over_script", "quota_set"}) {
    if (plugin(name)) out.unbuilt.emplace_back(name);
  }
  return out;
}

}  // namespace mail::mailbox
