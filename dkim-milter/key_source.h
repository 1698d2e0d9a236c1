#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/dkim/key_record.h"
#include "dkim-milter/settings.h"

namespace mail::dkim_milter {

/// An answer that may still be on its way, from another thread.
class PendingKey {
 public:
  PendingKey() = default;
  explicit PendingKey(dkim::KeyAnswer answer) : answer_(std::move(answer)) {}
  void answer(dkim::KeyAnswer answer);
  /// nullopt: not within `span`.
  std::optional<dkim::KeyAnswer> wait(Duration span);

 private:
  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<dkim::KeyAnswer> answer_;
};
using PendingPtr = std::shared_ptr<PendingKey>;

/// Where public keys come from. Threads share it.
class KeySource {
 public:
  virtual ~KeySource() = default;
  /// Begins to look for the key record of "sel._domainkey.example.com", and
  /// returns at once; every question is answered, in time.
  virtual PendingPtr ask(const std::string& name) = 0;
};

/// Records from a table instead of DNS (TestDNSData, TestPublicKeys).
class TableKeys : public KeySource {
 public:
  /// records: TXT by name. missing: what a name that is not there means.
  TableKeys(const maps::DataSet& records, dkim::KeyAnswer::Kind missing)
      : records_(records), missing_(missing) {}
  PendingPtr ask(const std::string& name) override;

 private:
  maps::DataSet records_;
  dkim::KeyAnswer::Kind missing_;
  std::mutex mutex_;
  std::map<std::string, PendingPtr> answered_;
};

/// By what `settings` ask for: DNS, or a table. Errors: Config, a file that
/// cannot be read.
Result<std::shared_ptr<KeySource>> make_key_source(const Settings& settings);
/// Whether two settings ask the same way, so that a cache may be kept.
bool same_source(const Settings& a, const Settings& b);

}  // namespace mail::dkim_milter
