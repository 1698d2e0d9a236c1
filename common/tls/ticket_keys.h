#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"

namespace mail::tls {

/// One key of session tickets (RFC 5077), as tlsmgr(8) hands it out: the native
/// struct of 88 bytes.
///   offset 0: name, 16 bytes; 16: cipher key, 32; 48: HMAC key, 32;
///   80: expiry, 8 bytes, native order, seconds since 1970
struct TicketKey {
  static constexpr size_t kWireSize = 88;

  std::array<char, 16> name{};
  std::array<char, 32> cipher_key{};
  std::array<char, 32> mac_key{};
  WallTime expires{};

  static std::optional<TicketKey> from_wire(std::string_view bytes);
  std::string to_wire() const;
};

/// The few keys a process knows. Several processes that install the same keys
/// (tlsmgr's tktkey request) can resume each other's sessions. Without an
/// installed key one is made here. Tickets under a key are taken until it
/// expires; new ones are made under it for the first half of that time.
class TicketKeys {
 public:
  /// lifetime: smtpd_tls_session_cache_timeout.
  explicit TicketKeys(Duration lifetime) : lifetime_(lifetime) {}
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// Takes a key from tlsmgr. It becomes the one for new tickets.
  void install(const TicketKey& key);
  /// True when a new key should be asked of tlsmgr: the present one is absent,
  /// home-made or about to be retired.
  bool wants_key(WallTime now) const;

  /// The key for new tickets, made here if need be.
  const TicketKey& current(WallTime now);
  /// The key of that name, if it has not expired.
  const TicketKey* find(std::string_view name, WallTime now) const;

 private:
  struct Entry {
    TicketKey key;
    bool installed;
  };
  Duration lifetime_;
  std::vector<Entry> entries_;  // newest last, at most kMaximum
};

}  // namespace mail::tls
