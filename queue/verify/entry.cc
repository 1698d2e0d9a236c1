#include "queue/verify/entry.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/number.h"

namespace mail::verify {

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
  long age = now - entry.updated;
  if (entry.status == 0) return age > ages.positive_expire;
  return !ages.negative_cache || age > ages.negative_expire;
}

}  // namespace mail::verify
