#include <algorithm>
#include <vector>

#include "common/config/dovecot/parser.h"

namespace mail::config::dovecot {

namespace {

/// Edits (insert, delete, replace one character) from a to b.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string similar_setting(const SectionInfo& section, std::string_view word) {
  if (word.size() < 4 || word.size() > 64) return "";
  size_t best = word.size() / 4 + 1;
  std::string found;
  for (int id = 0; id < section.count; ++id) {
    std::string_view name = section.settings[id].name;
    size_t edits = distance(word, name);
    if (edits < best) {
      best = edits;
      found = name;
    }
  }
  return found;
}

}  // namespace mail::config::dovecot
