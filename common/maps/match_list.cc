#include "common/maps/match_list.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <unordered_set>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "common/maps/fold.h"
#include "common/maps/network.h"
#include "common/maps/text_file.h"

namespace mail::maps {
namespace {

struct Hash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
using Names = std::unordered_set<std::string, Hash, std::equal_to<>>;

// One step of the list. Neighbouring names of the same sign share a step, so
// that a long list is one look into a hash.
struct Step {
  bool negated = false;
  Names names;  // folded
  std::vector<Network> networks;
  std::unique_ptr<Table> table;
  std::string trouble;  // reached: the match fails
};

}  // namespace

struct MatchList::Impl {
  std::string title;
  Options options;
  std::vector<Step> steps;
  bool local = true;
  std::string buffer;

  void warn(std::string_view text) const {
    if (options.tables.warn) {
      options.tables.warn(text);
    } else {
      log::warning(text);
    }
  }
  bool utf8() const { return (options.tables.flags & flag::kUtf8Request) != 0; }
  Step& step_for(bool negated) {
    if (steps.empty() || steps.back().negated != negated ||
        steps.back().table != nullptr || !steps.back().trouble.empty()) {
      steps.emplace_back().negated = negated;
    }
    return steps.back();
  }
  void add_trouble(bool negated, std::string text) {
    warn(text);
    steps.emplace_back().negated = negated;
    steps.back().trouble = std::move(text);
  }

  void parse(std::string_view text, bool outer_negated, int depth);
  void parse_file(std::string_view item, bool negated, int depth);
  void parse_table(std::string_view item, bool negated);
  void parse_name(std::string_view item, bool negated);
  bool looks_like_table(std::string_view item) const;

  bool matches_names(const Step& step, std::string_view name) const;
  std::vector<std::string_view> table_keys(std::string_view name,
                                           std::string_view address,
                                           const Table& table) const;
  Verdict failed(const Step& step, const Error& error) const;
  std::optional<Verdict> now(std::string_view name, std::string_view address);
  net::Task<Verdict> later(std::string name, std::string address);
  std::optional<bool> plain(const Step& step, std::string_view name,
                            const std::optional<net::IpAddress>& ip) const;
};

// [::1] and 2001:db8::/32 are no tables.
bool MatchList::Impl::looks_like_table(std::string_view item) const {
  size_t colon = item.find(':');
  if (colon == item.npos || item.front() == '[') return false;
  if (options.kind == ListKind::String) return true;
  return !net::IpAddress::parse(item.substr(0, item.find('/')));
}

void MatchList::Impl::parse(std::string_view text, bool outer_negated,
                            int depth) {
  for (std::string_view item : split_braced(text)) {
    bool negated = outer_negated;
    while (!item.empty() && item.front() == '!') {
      negated = !negated;
      item = trim_left(item.substr(1));
    }
    if (item.empty()) {
      add_trouble(negated, fmt::format("{}: no pattern after '!'", title));
    } else if (item.front() == '/') {
      parse_file(item, negated, depth);
    } else if (looks_like_table(item)) {
      parse_table(item, negated);
    } else {
      parse_name(item, negated);
    }
  }
}

void MatchList::Impl::parse_file(std::string_view item, bool negated,
                                 int depth) {
  if (depth > 20) {
    return add_trouble(
        negated, fmt::format("{}: {}: files are nested too deep", title, item));
  }
  auto text = TextFile(std::string(item), options.tables.root, "open ").read();
  if (!text) {
    return add_trouble(negated,
                       fmt::format("{}: {}", title, text.error().what));
  }
  // Comments as in tables; a line may hold several patterns.
  for (std::string_view line : split_exact(*text, '\n')) {
    line = trim(line);
    if (line.empty() || line.front() == '#') continue;
    parse(line, negated, depth + 1);
  }
}

void MatchList::Impl::parse_table(std::string_view item, bool negated) {
  auto table = open_table_or_unavailable(item, options.tables);
  if (table->remote()) local = false;
  steps.emplace_back().negated = negated;
  steps.back().table = std::move(table);
}

void MatchList::Impl::parse_name(std::string_view item, bool negated) {
  bool network = options.kind == ListKind::Network &&
                 (item.front() == '[' || item.find('/') != item.npos ||
                  net::IpAddress::parse(item));
  if (network) {
    auto parsed = Network::parse(item);
    if (parsed) {
      step_for(negated).networks.push_back(*parsed);
    } else {
      add_trouble(negated, fmt::format("{}: {}", title, parsed.error().what));
    }
    return;
  }
  std::string space;
  Step& step = step_for(negated);
  step.names.emplace(fold_case(item, utf8(), space));
}

bool MatchList::Impl::matches_names(const Step& step,
                                    std::string_view name) const {
  if (step.names.empty()) return false;
  if (step.names.find(name) != step.names.end()) return true;
  if (options.kind == ListKind::String) return false;
  for (size_t dot = name.find('.', 1); dot != name.npos;
       dot = name.find('.', dot + 1)) {
    std::string_view parent =
        name.substr(options.parents_match ? dot + 1 : dot);
    if (!parent.empty() && step.names.find(parent) != step.names.end()) {
      return true;
    }
  }
  return false;
}

std::vector<std::string_view> MatchList::Impl::table_keys(
    std::string_view name, std::string_view address, const Table& table) const {
  std::vector<std::string_view> keys;
  if (!name.empty()) keys.push_back(name);
  bool parents = options.kind != ListKind::String && table.takes_partial_keys();
  for (size_t dot = parents ? name.find('.', 1) : name.npos; dot != name.npos;
       dot = name.find('.', dot + 1)) {
    std::string_view parent =
        name.substr(options.parents_match ? dot + 1 : dot);
    if (!parent.empty()) keys.push_back(parent);
  }
  if (!address.empty()) keys.push_back(address);
  return keys;
}

MatchList::Verdict MatchList::Impl::failed(const Step& step,
                                           const Error& error) const {
  for (std::string_view line : split(error.what, "\n")) warn(line);
  std::string text =
      fmt::format("{}: {}: table lookup problem", title, step.table->name());
  warn(text);
  return fail(Fault::Temporary, std::move(text));
}

std::optional<bool> MatchList::Impl::plain(
    const Step& step, std::string_view name,
    const std::optional<net::IpAddress>& ip) const {
  if (matches_names(step, name)) return !step.negated;
  if (!ip) return std::nullopt;
  for (const Network& network : step.networks) {
    if (network.contains(*ip)) return !step.negated;
  }
  return std::nullopt;
}

std::optional<MatchList::Verdict> MatchList::Impl::now(
    std::string_view name, std::string_view address) {
  std::string space;
  name = fold_case(name, utf8(), space);
  std::optional<net::IpAddress> ip;
  if (!address.empty()) ip = net::IpAddress::parse(address);
  for (Step& step : steps) {
    if (!step.trouble.empty()) {
      warn(step.trouble);
      return Verdict(fail(Fault::Temporary, step.trouble));
    }
    if (step.table == nullptr) {
      if (auto verdict = plain(step, name, ip)) return Verdict(*verdict);
      continue;
    }
    if (step.table->remote()) return std::nullopt;
    step.table->refresh(Clock::now());
    for (std::string_view key : table_keys(name, address, *step.table)) {
      auto found = step.table->lookup(key);
      if (!found) return failed(step, found.error());
      if (*found) return Verdict(!step.negated);
    }
  }
  return Verdict(false);
}

net::Task<MatchList::Verdict> MatchList::Impl::later(std::string name,
                                                     std::string address) {
  std::string space;
  name = std::string(fold_case(name, utf8(), space));
  std::optional<net::IpAddress> ip;
  if (!address.empty()) ip = net::IpAddress::parse(address);
  for (Step& step : steps) {
    if (!step.trouble.empty()) {
      warn(step.trouble);
      co_return fail(Fault::Temporary, step.trouble);
    }
    if (step.table == nullptr) {
      auto verdict = plain(step, name, ip);
      if (verdict) co_return *verdict;
      continue;
    }
    step.table->refresh(Clock::now());
    for (std::string_view key : table_keys(name, address, *step.table)) {
      auto found = co_await step.table->ask(std::string(key));
      if (!found) co_return failed(step, found.error());
      if (*found) co_return !step.negated;
    }
  }
  co_return false;
}

MatchList::MatchList() : impl_(std::make_unique<Impl>()) {}
MatchList::MatchList(MatchList&&) noexcept = default;
MatchList& MatchList::operator=(MatchList&&) noexcept = default;
MatchList::~MatchList() = default;

MatchList MatchList::open(std::string title, std::string_view value,
                          Options options) {
  MatchList list;
  list.impl_->title = std::move(title);
  list.impl_->options = std::move(options);
  list.impl_->parse(value, /*outer_negated=*/false, 0);
  return list;
}

bool MatchList::empty() const { return impl_->steps.empty(); }
bool MatchList::local() const { return impl_->local; }

std::optional<MatchList::Verdict> MatchList::match_now(std::string_view name) {
  return impl_->now(name, {});
}
std::optional<MatchList::Verdict> MatchList::match_now(
    std::string_view name, std::string_view address) {
  return impl_->now(name, address);
}
net::Task<MatchList::Verdict> MatchList::match(std::string name) {
  return impl_->later(std::move(name), {});
}
net::Task<MatchList::Verdict> MatchList::match(std::string name,
                                               std::string address) {
  return impl_->later(std::move(name), std::move(address));
}

}  // namespace mail::maps
