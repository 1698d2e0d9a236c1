#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "authd/passdb.h"
#include "authd/userdb.h"
#include "common/base/clock.h"

namespace mail::authd {

/// auth_cache: what databases answered, by the values that their queries
/// depend on. Bounded by size; the least recently used goes first.
class Cache {
 public:
  struct Entry {
    PassAnswer pass;
    UserAnswer user;
    Instant created{};
    bool last_success = false;  ///< the last login with this entry
    bool negative = false;      ///< no such user
    std::string name;           ///< %u at the time, for flush()
    size_t size = 0;
  };

  Cache(size_t limit, Duration ttl, Duration negative_ttl)
      : limit_(limit), ttl_(ttl), negative_ttl_(negative_ttl) {}

  /// "P0" or "U1", the master user, and each variable's value of `templates`.
  static std::string make_key(char kind, unsigned id,
                              std::string_view templates,
                              const Request& request);

  /// expired: out, true when it is too old (use it only when the database
  /// fails). nullptr: not there.
  Entry* find(const std::string& key, Instant now, bool* expired);
  void put(const std::string& key, Entry entry, Instant now);
  void remove(const std::string& key);
  /// Entries of these users, or all: how many went.
  unsigned flush(const std::vector<std::string>& users);
  size_t count() const { return entries_.size(); }

  /// The statistics lines (SIGUSR2); counting begins anew.
  std::vector<std::string> take_statistics();

 private:
  struct Node {
    Entry entry;
    std::list<std::string>::iterator place;
  };
  void drop(std::unordered_map<std::string, Node>::iterator at);

  size_t limit_, used_ = 0;
  Duration ttl_, negative_ttl_;
  std::list<std::string> order_;  // front: used last
  std::unordered_map<std::string, Node> entries_;
  unsigned hits_ = 0, misses_ = 0, positive_ = 0, negative_ = 0;
  size_t positive_size_ = 0, negative_size_ = 0;
};

}  // namespace mail::authd
