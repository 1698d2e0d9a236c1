#include "common/maps/tables.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/log/log.h"

namespace mail::maps {

Result<Tables> Tables::open(std::string title, std::string_view value,
                            const OpenOptions& options) {
  Tables tables;
  tables.title_ = std::move(title);
  for (std::string_view item : split_braced(value)) {
    if (item.find(':') == item.npos) {
      return fail(Fault::Config,
                  fmt::format("open dictionary: expecting \"type:name\" form "
                              "instead of \"{}\"",
                              item));
    }
    tables.tables_.push_back(open_table_or_unavailable(item, options));
    if (tables.tables_.back()->remote()) tables.local_ = false;
  }
  tables.warn_ = options.warn;
  return tables;
}

bool Tables::takes_partial_keys() const {
  for (const auto& table : tables_) {
    if (table->takes_partial_keys()) return true;
  }
  return false;
}

void Tables::warn(std::string_view text) const {
  if (warn_) {
    warn_(text);
  } else {
    log::warning(text);
  }
}

bool Tables::skips(const Table& table, KeyKind kind) {
  return kind == KeyKind::Partial && !table.takes_partial_keys();
}

Answer Tables::judge(const Table& table, std::string_view key,
                     Result<Table::Found> found) const {
  if (!found) {
    for (std::string_view line : split_exact(found.error().what, '\n')) {
      if (!line.empty()) warn(line);
    }
    std::string text =
        fmt::format("{} lookup error for \"{}\"", table.name(), key);
    warn(text);
    return fail(Fault::Temporary, std::move(text));
  }
  if (!*found) return std::optional<Match>();
  if ((*found)->empty()) {
    warn(fmt::format("{} lookup of {} returns an empty string result", title_,
                     key));
    warn(
        fmt::format("{} should return NO RESULT in case of NOT FOUND", title_));
    return fail(Fault::Config,
                fmt::format("{} lookup of {}: empty result", title_, key));
  }
  return std::optional<Match>(Match{std::move(**found), &table});
}

std::optional<Answer> Tables::find_now(std::string_view key, KeyKind kind) {
  if (key.empty()) return Answer(std::optional<Match>());
  Instant now = tables_.empty() ? Instant() : Clock::now();
  for (const auto& table : tables_) {
    if (skips(*table, kind)) continue;
    if (table->remote()) return std::nullopt;
    table->refresh(now);
    Answer answer = judge(*table, key, table->lookup(key));
    if (!answer || *answer) return answer;
  }
  return Answer(std::optional<Match>());
}

net::Task<Answer> Tables::find(std::string key, KeyKind kind) {
  if (key.empty()) co_return std::optional<Match>();
  for (const auto& table : tables_) {
    if (skips(*table, kind)) continue;
    table->refresh(Clock::now());
    auto found = co_await table->ask(key);
    Answer answer = judge(*table, key, std::move(found));
    if (!answer || *answer) co_return answer;
  }
  co_return std::optional<Match>();
}

std::optional<Answer> Tables::find_first_now(const std::vector<Key>& keys,
                                             size_t* found) {
  if (!local_) return std::nullopt;
  for (const Key& key : keys) {
    auto answer = find_now(key.text, key.kind);
    if (answer && *answer && !**answer) continue;
    if (found != nullptr) *found = static_cast<size_t>(&key - keys.data());
    return answer;
  }
  return Answer(std::optional<Match>());
}

net::Task<Answer> Tables::find_first(std::vector<Key> keys, size_t* found) {
  for (size_t i = 0; i < keys.size(); ++i) {
    auto answer = co_await find(keys[i].text, keys[i].kind);
    if (answer && !*answer) continue;
    if (found != nullptr) *found = i;
    co_return answer;
  }
  co_return std::optional<Match>();
}

}  // namespace mail::maps
