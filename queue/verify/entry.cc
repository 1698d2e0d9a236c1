#include "queue/verify/entry.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/number.h"

namespace mail::verify {

namespace {
constexpr int kOk = 0;
}

std::optional<Entry> Entry::parse(std::string_view value) {
  Entry out;
  long* numbers[] = {nullptr, &out.probed, &out.updated};
  for (int i = 0; i < 3; ++i) {
    size_t colon = value.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto number = parse_number<long>(value.substr(0, colon));
    if (!number) return std::nullopt;
    if (numbers[i]) {
      *numbers[i] = *number;
    } else {
      out.status = static_cast<int>(*number);
    }
    value.remove_prefix(colon + 1);
  }
  if (out.status < 0 || out.status > 3) return std::nullopt;
  out.text = value;
  return out;
}

std::string Entry::format() const {
  return fmt::format("{}:{}:{}:{}", status, probed, updated, text);
}

std::string key_of(std::string_view address) {
  std::string key(address);
  std::replace(key.begin(), key.end(), ':', '_');
  return key;
}

bool expired(const Entry& entry, const Ages& ages, long now) {
  long limit =
      entry.status == kOk ? ages.positive_expire : ages.negative_expire;
  return now - entry.updated > limit;
}

bool stale(const Entry& entry, const Ages& ages, long now) {
  long limit =
      entry.status == kOk ? ages.positive_refresh : ages.negative_refresh;
  return now - entry.updated > limit;
}

bool being_probed(const Entry& entry, long now) {
  return now - entry.probed < kProbePause;
}

bool accepts(const std::optional<Entry>& known, int status, const Ages& ages,
             long now) {
  if (status == kOk) return true;
  bool good = known && known->status == kOk && !expired(*known, ages, now);
  return !good && ages.negative_cache;
}

}  // namespace mail::verify
