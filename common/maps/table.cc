#include "common/maps/table.h"

#include <fmt/core.h>

#include "common/base/utf8.h"
#include "common/log/log.h"
#include "common/maps/fold.h"

namespace mail::maps {

Table::Table(std::string name, const OpenOptions& options, int kind)
    : name_(std::move(name)), options_(options), flags_(options.flags | kind) {
  if ((flags_ & flag::kUtf8Request) != 0) flags_ |= flag::kUtf8Active;
}

std::optional<std::string_view> Table::folded(std::string_view key) {
  if (key.find('\0') != key.npos) return std::nullopt;
  bool utf8 = (flags_ & flag::kUtf8Active) != 0;
  if (utf8 && !is_utf8(key)) {
    warn(fmt::format("{}: non-UTF-8 key \"{}\": {}", name_, key,
                     "malformed UTF-8 or invalid codepoint"));
    return std::nullopt;
  }
  int fold = takes_partial_keys() ? flag::kFoldFix : flag::kFoldMul;
  if ((flags_ & fold) == 0) return key;
  return fold_case(key, utf8, fold_buffer_);
}

Result<Table::Found> Table::checked(std::string_view key,
                                    Result<Found> found) const {
  if (!found || !*found || (flags_ & flag::kUtf8Active) == 0) return found;
  if (is_utf8(**found)) return found;
  return fail(
      Fault::Temporary,
      fmt::format("{}: key \"{}\": non-UTF-8 value \"{}\": {}", name_, key,
                  **found, "malformed UTF-8 or invalid codepoint"));
}

Result<Table::Found> Table::lookup(std::string_view key) {
  auto folded_key = folded(key);
  if (!folded_key) return Found{};
  return checked(key, get(*folded_key));
}

net::Task<Result<Table::Found>> Table::ask(std::string key) {
  if (!remote()) co_return lookup(key);
  auto folded_key = folded(key);
  if (!folded_key) co_return Found{};
  auto found = co_await get_remote(std::string(*folded_key));
  co_return checked(key, std::move(found));
}

net::Task<Result<Table::Found>> Table::get_remote(std::string key) {
  co_return get(key);
}

Result<bool> Table::update(std::string_view key, std::string_view value) {
  auto folded_key = folded(key);
  if (!folded_key) return false;
  return put(*folded_key, value);
}

Result<bool> Table::remove(std::string_view key) {
  auto folded_key = folded(key);
  if (!folded_key) return false;
  return erase(*folded_key);
}

Failure Table::unsupported(std::string_view operation) const {
  return fail(
      Fault::Config,
      fmt::format("table {}: {} operation is not supported", name_, operation));
}

Result<bool> Table::put(std::string_view, std::string_view) {
  return unsupported("update");
}
Result<bool> Table::erase(std::string_view) { return unsupported("delete"); }
Result<std::optional<Table::Entry>> Table::first() {
  return unsupported("sequence");
}
Result<std::optional<Table::Entry>> Table::next() {
  return unsupported("sequence");
}
void Table::refresh(Instant) {}

void Table::warn(std::string_view text) const {
  if (options_.warn) {
    options_.warn(text);
  } else {
    log::warning(text);
  }
}

void Table::inform(std::string_view text) const {
  if (options_.info) {
    options_.info(text);
  } else {
    log::info(text);
  }
}

}  // namespace mail::maps
