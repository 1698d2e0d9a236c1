#include "common/tls/ticket_keys.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

#include "common/crypto/random.h"
#include "common/crypto/secret.h"

namespace mail::tls {

namespace {
constexpr size_t kMaximum = 4;
constexpr int64_t kFarthest = 9'000'000'000;  // the year 2255
}  // namespace

std::optional<TicketKey> TicketKey::from_wire(std::string_view bytes) {
  if (bytes.size() != kWireSize) return std::nullopt;
  TicketKey out;
  int64_t seconds;
  memcpy(out.name.data(), bytes.data(), 16);
  memcpy(out.cipher_key.data(), bytes.data() + 16, 32);
  memcpy(out.mac_key.data(), bytes.data() + 48, 32);
  memcpy(&seconds, bytes.data() + 80, 8);
  // As far as the clock's type reaches; a peer may say anything.
  out.expires =
      WallClock::from_time_t(std::clamp<int64_t>(seconds, 0, kFarthest));
  return out;
}

std::string TicketKey::to_wire() const {
  int64_t seconds = WallClock::to_time_t(expires);
  std::string out(name.data(), name.size());
  out.append(cipher_key.data(), cipher_key.size());
  out.append(mac_key.data(), mac_key.size());
  out.append(reinterpret_cast<const char*>(&seconds), 8);
  return out;
}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(entries_.data(), entries_.size() * sizeof(Entry));
}

void TicketKeys::install(const TicketKey& key) {
  auto same = std::find_if(
      entries_.begin(), entries_.end(),
      [&](const Entry& entry) { return entry.key.name == key.name; });
  if (same != entries_.end()) entries_.erase(same);
  if (entries_.size() == kMaximum) entries_.erase(entries_.begin());
  entries_.push_back({key, true});
}

bool TicketKeys::wants_key(WallTime now) const {
  if (entries_.empty() || !entries_.back().installed) return true;
  return now + lifetime_ / 2 >= entries_.back().key.expires;
}

const TicketKey& TicketKeys::current(WallTime now) {
  // An installed key is used until tlsmgr's own time for it is over.
  if (!entries_.empty()) {
    const Entry& last = entries_.back();
    Duration margin = last.installed ? Duration::zero() : lifetime_;
    if (now + margin < last.key.expires) return last.key;
  }
  TicketKey key;
  std::string random = crypto::random_bytes(TicketKey::kWireSize);
  key = *TicketKey::from_wire(random);
  crypto::wipe(random);
  // Half its life it is given out, the other half only taken.
  key.expires = now + 2 * lifetime_;
  if (entries_.size() == kMaximum) entries_.erase(entries_.begin());
  entries_.push_back({key, false});
  return entries_.back().key;
}

const TicketKey* TicketKeys::find(std::string_view name, WallTime now) const {
  for (const auto& entry : entries_) {
    std::string_view known(entry.key.name.data(), entry.key.name.size());
    if (known == name && now < entry.key.expires) return &entry.key;
  }
  return nullptr;
}

}  // namespace mail::tls
