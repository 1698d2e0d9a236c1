#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace mail::anvil {

/// Who is logged in: by process and "service/ip/user".
class Logins {
 public:
  void connect(unsigned pid, const std::string& ident);
  void disconnect(unsigned pid, const std::string& ident);
  /// The process has ended, with all that it had.
  void kill(unsigned pid);
  /// How many have this ident.
  unsigned count(const std::string& ident) const;
  /// "ident\tpid\tcount\n" each, and an empty line.
  std::string dump() const;

 private:
  std::map<std::pair<std::string, unsigned>, unsigned> logins_;
  std::map<std::string, unsigned, std::less<>> totals_;
};

/// How much the passwords from an address have failed. Bounded: the one that
/// has been quiet for longest is forgotten first.
class Penalties {
 public:
  static constexpr size_t kMaxAddresses = 4096, kMaxChecksums = 20;

  struct Penalty {
    unsigned value = 0;
    int64_t since = 0, last = 0;  ///< seconds since 1970
  };
  /// 0 0 for one that is not known.
  Penalty get(const std::string& ident) const;
  /// checksum: of name and password, 0: none. One that was counted before
  /// changes nothing: who retries the same wrong password guesses nothing.
  void raise(const std::string& ident, uint32_t checksum, unsigned value,
             int64_t now);
  void set_expire_seconds(int64_t seconds) { expire_ = seconds; }
  void expire(int64_t now);
  size_t size() const { return addresses_.size(); }
  /// "ip\tvalue\tlast\tlast\n" each, and an empty line.
  std::string dump() const;

 private:
  struct Address {
    Penalty penalty;
    uint32_t checksums[kMaxChecksums] = {};
    unsigned known = 0;
    uint64_t order = 0;
  };
  void forget_oldest();

  std::map<std::string, Address, std::less<>> addresses_;
  std::map<uint64_t, std::string> by_order_;  // oldest first
  uint64_t next_order_ = 1;
  int64_t expire_ = 60 * 60;
};

}  // namespace mail::anvil
