#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/condition.h"
#include "common/net/stream.h"
#include "common/net/task_set.h"

namespace mail::authd {

/// Asks anvil (anvil-auth-penalty) how much a client's address has failed. One
/// connection, opened when needed; without anvil there is no penalty. That an
/// address has none is remembered for a second, or until it fails here: only
/// another auth process, one that ends after a reload, could raise it
/// meanwhile.
class Penalties {
 public:
  Penalties(std::string path, net::TaskSet& tasks)
      : path_(std::move(path)), tasks_(tasks) {}

  /// Connects now, blocking, while still privileged: Dovecot's socket is
  /// root's alone. Later connections are tried with what rights are left.
  void connect_early();

  struct Penalty {
    unsigned value = 0;  ///< 0...4
    int64_t last = 0;    ///< seconds since 1970 of its last rise
  };
  net::Task<Penalty> get(std::string ident);
  /// One failure more: value + 1 unless this checksum (of name and password)
  /// was counted before. Fire and forget.
  void raise(std::string_view ident, uint32_t checksum, unsigned value);
  void reset(std::string_view ident);

  /// The address as anvil knows it: IPv6 by its first 48 bits, "" if unknown.
  static std::string ident_of(std::string_view address);
  /// How long the start of an attempt is held back.
  static std::chrono::seconds delay(const Penalty& penalty);

 private:
  net::Task<Result<>> connect();
  net::Task<Result<std::string>> ask(std::string line);
  void say(std::string line);
  net::Task<> flush();
  void remember_clean(const std::string& ident);

  std::string path_;
  net::TaskSet& tasks_;
  UniqueFd early_;
  net::Stream stream_;
  net::Condition changed_;
  bool busy_ = false, writing_ = false;
  Instant not_before_{};
  std::map<std::string, Instant, std::less<>> clean_until_;
  uint64_t raised_ = 0;  ///< how often any was
};

}  // namespace mail::authd
