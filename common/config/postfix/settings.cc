#include "common/config/postfix/settings.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "common/base/ascii.h"
#include "common/config/postfix/compatibility.h"
#include "common/config/postfix/evaluate.h"
#include "common/config/postfix/expand.h"
#include "common/config/postfix/param_info.h"

namespace mail::config {

namespace {
// In the order of the enumerations.
constexpr std::string_view kIntSuffixes[] = {
    "delivery_slot_cost",
    "delivery_slot_discount",
    "delivery_slot_loan",
    "destination_concurrency_failed_cohort_limit",
    "destination_concurrency_limit",
    "destination_recipient_limit",
    "extra_recipient_limit",
    "initial_destination_concurrency",
    "minimum_delivery_slots",
    "recipient_limit",
    "recipient_refill_limit",
};
constexpr std::string_view kTimeSuffixes[] = {
    "destination_rate_delay",
    "recipient_refill_delay",
    kTimeLimitSuffix,
    "transport_rate_delay",
};
constexpr std::string_view kStringSuffixes[] = {
    "destination_concurrency_negative_feedback",
    "destination_concurrency_positive_feedback",
};

std::string default_name(std::string_view suffix) {
  if (suffix == "initial_destination_concurrency") return std::string(suffix);
  if (suffix == kTimeLimitSuffix) return "command_time_limit";
  return std::string("default_").append(suffix);
}

bool is_built_suffix(std::string_view suffix) {
  return std::find(kBuiltSuffixes, kBuiltSuffixes + kBuiltSuffixCount,
                   suffix) != kBuiltSuffixes + kBuiltSuffixCount;
}

/// Whether no program reads `name`. A user's own names are not our business.
bool is_unbuilt(std::string_view name) {
  if (auto id = find_param(name)) return kBuilt[*id] != '1';
  if (is_legacy_param(name)) {
    return std::find(kUnbuiltLegacy, kUnbuiltLegacy + kUnbuiltLegacyCount,
                     name) != kUnbuiltLegacy + kUnbuiltLegacyCount;
  }
  for (std::string_view suffix : kQueueSuffixes) {
    if (name.size() > suffix.size() + 1 && name.ends_with(suffix) &&
        name[name.size() - suffix.size() - 1] == '_') {
      return !is_built_suffix(suffix);
    }
  }
  return false;
}

}  // namespace

std::string_view suffix_of(TransportInt what) {
  return kIntSuffixes[static_cast<int>(what)];
}
std::string_view suffix_of(TransportTime what) {
  return kTimeSuffixes[static_cast<int>(what)];
}
std::string_view suffix_of(TransportString what) {
  return kStringSuffixes[static_cast<int>(what)];
}

bool Settings::is_set(std::string_view name) const {
  return definitions_.find(name) != definitions_.end();
}

bool Settings::below_level(int major, int minor, int patch) const {
  auto now = parse_level(get(param::compatibility_level));
  return now && *now < level(major, minor, patch);
}

std::optional<std::string> Settings::text_of(std::string_view name) const {
  if (auto id = find_param(name)) return strings_[*id];
  auto at = definitions_.find(name);
  if (at == definitions_.end()) return std::nullopt;
  return at->second.value;
}

Result<std::string> Settings::expand(std::string_view text) const {
  auto lookup = [this](std::string_view name) { return text_of(name); };
  auto result = config::expand(text, lookup, {.recursive = true});
  if (!result) return fail(result.error());
  return std::move(result->text);
}

Result<std::optional<std::string>> Settings::value(
    std::string_view name) const {
  if (auto id = find_param(name)) {
    return std::optional<std::string>(strings_[*id]);
  }
  auto at = definitions_.find(name);
  if (at == definitions_.end()) return std::optional<std::string>();
  return std::optional<std::string>(TRY(expand(at->second.value)));
}

Result<std::string> Settings::transport_text(std::string_view service,
                                             std::string_view suffix) const {
  std::string name = std::string(service).append("_").append(suffix);
  auto value = TRY(this->value(name));
  if (value) return std::move(*value);
  auto general = TRY(this->value(default_name(suffix)));
  return general.value_or("");
}

Result<long> Settings::transport(std::string_view service,
                                 TransportInt what) const {
  std::string_view suffix = suffix_of(what);
  auto general = find_param(default_name(suffix));
  const ParamInfo& info = kParams[general.value_or(0)];
  std::string text = TRY(transport_text(service, suffix));
  return evaluate_int(std::string(service).append("_").append(suffix), text,
                      info.min, info.max);
}

Result<std::chrono::seconds> Settings::transport(std::string_view service,
                                                 TransportTime what) const {
  std::string_view suffix = suffix_of(what);
  auto general = find_param(default_name(suffix));
  const ParamInfo& info = kParams[general.value_or(0)];
  std::string text = TRY(transport_text(service, suffix));
  return std::chrono::seconds(
      TRY(evaluate_time(std::string(service).append("_").append(suffix), text,
                        's', info.min, info.max)));
}

Result<std::string> Settings::transport(std::string_view service,
                                        TransportString what) const {
  return transport_text(service, suffix_of(what));
}

namespace {

/// Where documents and programs are: said to people and scripts, not to us.
constexpr std::string_view kPlaces[] = {
    "readme_directory", "html_directory",  "manpage_directory",
    "sample_directory", "mailq_path",      "newaliases_path",
    "sendmail_path",    "shlib_directory", "meta_directory"};

/// Set to what happens without the feature anyway.
bool says_nothing(std::string_view name, std::string_view value) {
  if (std::find(std::begin(kPlaces), std::end(kPlaces), name) !=
      std::end(kPlaces)) {
    return true;
  }
  auto id = find_param(name);
  if (!id) return false;
  const ParamInfo& info = kParams[*id];
  if (info.type == Type::Bool && iequals(trim(value), "no")) return true;
  return trim(value) == info.default_text || trim(value).empty();
}

}  // namespace

std::vector<UnbuiltParam> Settings::unbuilt_but_set() const {
  // What another value refers to has its effect through that one.
  std::set<std::string, std::less<>> referred;
  for (const auto& [name, definition] : definitions_) {
    (void)scan_names(definition.value,
                     [&](std::string_view seen) { referred.emplace(seen); });
  }
  std::vector<UnbuiltParam> result;
  for (const auto& [name, definition] : definitions_) {
    if (!is_unbuilt(name) || referred.contains(name)) continue;
    if (says_nothing(name, definition.value)) continue;
    result.push_back({name, main_cf_, definition.line});
  }
  std::sort(result.begin(), result.end(), [](auto& a, auto& b) {
    return std::tie(a.line, a.name) < std::tie(b.line, b.name);
  });
  return result;
}

}  // namespace mail::config
