#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/mailbox/index.h"
#include "common/mailbox/maildirsize.h"
#include "common/mailbox/quota_settings.h"
#include "common/mailbox/saving.h"

namespace mail::mailbox {

class Storage;

/// What one user's mailboxes may hold. A root with the backend maildir keeps
/// its sum in maildirsize, beside the original's and Courier's programs; one
/// with count looks at all mailboxes, those that did not change from memory.
class Quota {
 public:
  /// Whether saving a last message may go beyond the limit (quota_grace).
  enum class Kind { Strict, Delivery };
  Quota(Storage& storage, std::shared_ptr<const QuotaSettings> settings,
        Kind kind)
      : storage_(storage), settings_(std::move(settings)), kind_(kind) {}

  const QuotaSettings& settings() const { return *settings_; }
  /// False: nobody needs to tell of what comes and goes.
  bool keeps_sums() const;
  /// size: of all that is to be added; largest: the largest message of them.
  /// Errors: Permanent EDQUOT, E2BIG with the words for the client.
  Result<> allow(std::string_view mailbox, const QuotaSize& size,
                 const QuotaSize& largest);
  enum class Change { Added, Removed };
  void note(std::string_view mailbox, Change change, const QuotaSize& size);

  /// The roots a mailbox counts in.
  std::vector<const QuotaRoot*> roots_of(std::string_view mailbox) const;
  struct Usage {
    QuotaAmount used, limit;
  };
  Result<Usage> usage(const QuotaRoot& root);
  /// Counts all messages anew.
  Result<> recalculate(const QuotaRoot& root);
  /// All that is in a mailbox.
  Result<QuotaSize> measure(std::string_view mailbox);

 private:
  struct Known {
    Stamp stamps[2];
    QuotaSize size;
  };
  bool belongs(const QuotaRoot& root, std::string_view mailbox) const;
  Result<QuotaAmount> sum(const QuotaRoot& root);
  std::string file_of(const QuotaRoot& root) const;
  Result<Maildirsize> rebuild(const QuotaRoot& root, const std::string& path,
                              const QuotaAmount& limit);
  Result<Usage> from_file(const QuotaRoot& root, const std::string& path);
  uint64_t bytes_of(const QuotaSize& size) const;

  Storage& storage_;
  std::shared_ptr<const QuotaSettings> settings_;
  Kind kind_;
  std::map<std::string, Known, std::less<>> known_;
};

/// Saving that asks and tells `quota`.
std::unique_ptr<Saving> with_quota(std::unique_ptr<Saving> saving,
                                   std::shared_ptr<Quota> quota,
                                   std::string mailbox);

}  // namespace mail::mailbox
