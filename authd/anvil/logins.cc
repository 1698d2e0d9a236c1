#include "authd/anvil/logins.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/ipc/tabbed.h"

namespace mail::anvil {

void Logins::connect(unsigned pid, const std::string& ident) {
  ++logins_[{ident, pid}];
  ++totals_[ident];
}

void Logins::disconnect(unsigned pid, const std::string& ident) {
  auto at = logins_.find({ident, pid});
  if (at == logins_.end()) return;
  if (--at->second == 0) logins_.erase(at);
  auto total = totals_.find(ident);
  if (total != totals_.end() && --total->second == 0) totals_.erase(total);
}

void Logins::kill(unsigned pid) {
  for (auto at = logins_.begin(); at != logins_.end();) {
    if (at->first.second != pid) {
      ++at;
      continue;
    }
    auto total = totals_.find(at->first.first);
    if (total != totals_.end()) {
      total->second -= std::min(total->second, at->second);
      if (total->second == 0) totals_.erase(total);
    }
    at = logins_.erase(at);
  }
}

unsigned Logins::count(const std::string& ident) const {
  auto at = totals_.find(ident);
  return at == totals_.end() ? 0 : at->second;
}

std::string Logins::dump() const {
  std::string out;
  for (const auto& [who, count] : logins_) {
    out += fmt::format("{}\t{}\t{}\n", ipc::tab_escape(who.first), who.second,
                       count);
  }
  return out + "\n";
}

Penalties::Penalty Penalties::get(const std::string& ident) const {
  auto at = addresses_.find(ident);
  return at == addresses_.end() ? Penalty{} : at->second.penalty;
}

void Penalties::forget_oldest() {
  auto oldest = by_order_.begin();
  addresses_.erase(oldest->second);
  by_order_.erase(oldest);
}

void Penalties::raise(const std::string& ident, uint32_t checksum,
                      unsigned value, int64_t now) {
  auto [at, is_new] = addresses_.try_emplace(ident);
  Address& address = at->second;
  if (checksum != 0) {
    auto* end =
        address.checksums + std::min<size_t>(address.known, kMaxChecksums);
    if (std::find(address.checksums, end, checksum) != end) return;
    address.checksums[address.known++ % kMaxChecksums] = checksum;
  } else {
    address.known = 0;
  }
  if (is_new) address.penalty.since = now;
  address.penalty.value = value;
  address.penalty.last = now;
  by_order_.erase(address.order);
  address.order = next_order_++;
  by_order_[address.order] = ident;
  if (addresses_.size() > kMaxAddresses) forget_oldest();
}

void Penalties::expire(int64_t now) {
  while (!by_order_.empty()) {
    auto at = addresses_.find(by_order_.begin()->second);
    if (at->second.penalty.last + expire_ > now) return;
    forget_oldest();
  }
}

std::string Penalties::dump() const {
  std::string out;
  for (const auto& [order, ident] : by_order_) {
    const Penalty& p = addresses_.find(ident)->second.penalty;
    out += fmt::format("{}\t{}\t{}\t{}\n", ipc::tab_escape(ident), p.value,
                       p.last, p.last);
  }
  return out + "\n";
}

}  // namespace mail::anvil
