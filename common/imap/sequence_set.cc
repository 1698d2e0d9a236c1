#include "common/imap/sequence_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::imap {
namespace {

std::optional<uint32_t> read_number(std::string_view text, uint32_t largest) {
  if (text == "*") return largest;
  if (text.empty() || !is_digit(text[0])) return std::nullopt;
  auto value = parse_number<uint32_t>(text);
  if (!value || *value == 0) return std::nullopt;
  return value;
}

void append_range(std::string& out, uint32_t first, uint32_t last) {
  if (!out.empty()) out += ',';
  fmt::format_int a(first);
  out.append(a.data(), a.size());
  if (last != first) {
    fmt::format_int b(last);
    out += ':';
    out.append(b.data(), b.size());
  }
}

}  // namespace

std::optional<SequenceSet> SequenceSet::parse(std::string_view text,
                                              uint32_t largest) {
  SequenceSet out;
  for (std::string_view piece : split_exact(text, ',')) {
    size_t colon = piece.find(':');
    auto first = read_number(piece.substr(0, colon), largest);
    auto last = first;
    if (colon != std::string_view::npos) {
      last = read_number(piece.substr(colon + 1), largest);
    }
    if (!first || !last) return std::nullopt;
    // "*" of an empty mailbox is zero: nothing, as a UID set.
    out.ranges_.push_back({std::min(*first, *last), std::max(*first, *last)});
  }
  std::sort(out.ranges_.begin(), out.ranges_.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  size_t kept = 0;
  for (const Range& r : out.ranges_) {
    if (kept && r.first <= out.ranges_[kept - 1].last + 1ULL) {
      out.ranges_[kept - 1].last = std::max(out.ranges_[kept - 1].last, r.last);
    } else {
      out.ranges_[kept++] = r;
    }
  }
  out.ranges_.resize(kept);
  return out;
}

SequenceSet SequenceSet::of(const std::vector<uint32_t>& ascending) {
  SequenceSet out;
  for (uint32_t n : ascending) out.add(n);
  return out;
}

void SequenceSet::add(uint32_t first, uint32_t last) {
  if (ranges_.empty() || first > ranges_.back().last + 1ULL) {
    ranges_.push_back({first, last});
    return;
  }
  if (first >= ranges_.back().first) {
    ranges_.back().last = std::max(ranges_.back().last, last);
    return;
  }
  auto at = std::lower_bound(
      ranges_.begin(), ranges_.end(), first,
      [](const Range& r, uint32_t n) { return r.last + 1ULL < n; });
  auto to = at;
  Range merged{first, last};
  while (to != ranges_.end() && to->first <= merged.last + 1ULL) {
    merged.first = std::min(merged.first, to->first);
    merged.last = std::max(merged.last, to->last);
    ++to;
  }
  at = ranges_.erase(at, to);
  ranges_.insert(at, merged);
}

bool SequenceSet::contains(uint32_t n) const {
  auto at = std::lower_bound(
      ranges_.begin(), ranges_.end(), n,
      [](const Range& r, uint32_t value) { return r.last < value; });
  return at != ranges_.end() && at->first <= n;
}

uint64_t SequenceSet::size() const {
  uint64_t n = 0;
  for (const Range& r : ranges_) n += uint64_t{r.last} - r.first + 1;
  return n;
}

std::string SequenceSet::text() const {
  std::string out;
  for (const Range& r : ranges_) append_range(out, r.first, r.last);
  return out;
}

std::string number_text(const std::vector<uint32_t>& numbers) {
  std::string out;
  for (size_t i = 0; i < numbers.size();) {
    size_t j = i + 1;
    while (j < numbers.size() && numbers[j] == numbers[j - 1] + 1) ++j;
    append_range(out, numbers[i], numbers[j - 1]);
    i = j;
  }
  return out;
}

}  // namespace mail::imap
