#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::verify {

/// What the cache knows of an address: "STATUS:PROBED:UPDATED:TEXT", times in
/// seconds since 1970; status as in ipc::verify_status.
struct Entry {
  int status = 0;
  long probed = 0;   ///< a probe is under way since then, 0: none
  long updated = 0;  ///< 0: never
  std::string text;

  static std::optional<Entry> parse(std::string_view value);
  std::string format() const;
};

/// The address as a key: a colon would part it.
std::string key_of(std::string_view address);

/// Seconds in which a probe is not sent again.
inline constexpr long kProbePause = 1000;

/// How long answers count (address_verify_positive_expire_time and its like),
/// seconds.
struct Ages {
  long positive_expire = 0, positive_refresh = 0;
  long negative_expire = 0, negative_refresh = 0;
  bool negative_cache = true;
};
/// What it says counts no more.
bool expired(const Entry& entry, const Ages& ages, long now);
/// It is time to look again, while the answer still counts.
bool stale(const Entry& entry, const Ages& ages, long now);
/// Whether a probe was sent a short while ago.
bool being_probed(const Entry& entry, long now);
/// Whether news of `status` take the place of what is known: bad news do not
/// while the good ones count, nor when they are not to be kept at all.
bool accepts(const std::optional<Entry>& known, int status, const Ages& ages,
             long now);

}  // namespace mail::verify
