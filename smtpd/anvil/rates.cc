#include "smtpd/anvil/rates.h"

#include <fmt/format.h>

#include <ctime>

#include "common/base/stamp.h"

namespace mail::anvil {

namespace {

constexpr std::string_view kNames[Rates::kEvents] = {
    "connection", "message", "recipient", "newtls", "auth"};

std::string local_stamp(WallTime at) {
  time_t seconds = WallClock::to_time_t(at);
  tm local{};
  localtime_r(&seconds, &local);
  return stamp(local);
}

}  // namespace

Rates::Client& Rates::current(const std::string& ident, Instant now) {
  auto [at, is_new] = clients_.try_emplace(ident);
  Client& client = at->second;
  if (is_new || now - client.since >= unit_) {
    client.since = now;
    for (int& count : client.counts) count = 0;
  }
  return client;
}

void Rates::note(Maximum& maximum, int value, const std::string& ident,
                 WallTime wall) {
  if (value > maximum.value) maximum = {value, ident, wall};
}

ipc::AnvilConnectReply Rates::connect(const std::string& ident, Instant now,
                                      WallTime wall) {
  Client& client = current(ident, now);
  ++client.open;
  ++client.counts[kConnect];
  note(open_, client.open, ident, wall);
  note(rates_[kConnect], client.counts[kConnect], ident, wall);
  if (clients_.size() > max_size_) {
    max_size_ = clients_.size();
    max_size_at_ = wall;
  }
  return {0, client.open, client.counts[kConnect]};
}

void Rates::disconnect(const std::string& ident, Instant) {
  auto at = clients_.find(ident);
  if (at != clients_.end() && at->second.open > 0) --at->second.open;
}

int Rates::count(Event event, const std::string& ident, Instant now,
                 WallTime wall) {
  Client& client = current(ident, now);
  int value = ++client.counts[event];
  note(rates_[event], value, ident, wall);
  return value;
}

int Rates::rate(Event event, const std::string& ident, Instant now) const {
  auto at = clients_.find(ident);
  if (at == clients_.end() || now - at->second.since >= unit_) return 0;
  return at->second.counts[event];
}

int Rates::connections(const std::string& ident) const {
  auto at = clients_.find(ident);
  return at == clients_.end() ? 0 : at->second.open;
}

void Rates::expire(Instant now) {
  std::erase_if(clients_, [&](const auto& entry) {
    return entry.second.open == 0 && now - entry.second.since >= unit_;
  });
}

std::vector<std::string> Rates::take_statistics() {
  std::vector<std::string> lines;
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(unit_);
  for (int event = 0; event < kEvents; ++event) {
    Maximum& maximum = rates_[event];
    if (maximum.value > 0) {
      lines.push_back(
          fmt::format("statistics: max {} rate {}/{}s for ({}) "
                      "at {}",
                      kNames[event], maximum.value, seconds.count(),
                      maximum.ident, local_stamp(maximum.at)));
    }
    maximum = {};
    if (event == kConnect && open_.value > 0) {
      lines.push_back(
          fmt::format("statistics: max connection count {} for "
                      "({}) at {}",
                      open_.value, open_.ident, local_stamp(open_.at)));
      open_ = {};
    }
  }
  if (max_size_ > 0) {
    lines.push_back(fmt::format("statistics: max cache size {} at {}",
                                max_size_, local_stamp(max_size_at_)));
    max_size_ = 0;
  }
  return lines;
}

}  // namespace mail::anvil
