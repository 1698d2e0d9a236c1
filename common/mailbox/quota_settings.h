#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace mail::mailbox {

/// Octets and messages: what there is, or may be (0: no limit).
struct QuotaAmount {
  uint64_t bytes = 0, messages = 0;
  friend bool operator==(const QuotaAmount&, const QuotaAmount&) = default;
};

/// quota_rule = MAILBOX:storage=1G:messages=+10%:ignore
struct QuotaRule {
  std::string mailbox;  ///< UTF-8
  bool ignore = false;  ///< the mailbox does not count
  /// What it may have beyond the limit of all.
  int64_t bytes = 0, messages = 0;
};

/// Storage in kilobytes or with a suffix; or a share of the limit.
struct QuotaGrace {
  uint64_t bytes = 0;
  unsigned percent = 10;
};

/// quota = BACKEND:NAME:ARGUMENTS, with the settings that begin so.
struct QuotaRoot {
  enum class Backend { Maildir, Count } backend = Backend::Count;
  std::string name;
  bool enforced = true;  ///< noenforcing
  /// ns=PREFIX: only of this namespace; else of all private ones.
  std::optional<std::string> name_space;
  QuotaAmount limit;
  bool limit_from_file = false;  ///< no rule: maildirsize says it
  std::vector<QuotaRule> rules;  ///< of mailboxes
  QuotaGrace grace;

  const QuotaRule* rule_for(std::string_view mailbox) const;
  /// What may be there when it is saved to `mailbox`.
  QuotaAmount limit_in(std::string_view mailbox) const;
};

struct QuotaSettings {
  std::vector<QuotaRoot> roots;
  uint64_t max_mail_size = 0;  ///< quota_max_mail_size; 0: any
  std::string exceeded = "Quota exceeded (mailbox for user is full)";
  bool virtual_sizes = false;        ///< quota_vsizes
  std::vector<std::string> unbuilt;  ///< settings without effect, for a warning
};

/// One of plugin { }, %variables expanded; nullopt: not set.
using PluginSetting =
    std::function<std::optional<std::string>(const std::string& name)>;

/// What mail_plugins = quota reads. Errors: Config, in the original's words
/// ("Invalid quota root quota: ...").
Result<QuotaSettings> read_quota_settings(const PluginSetting& plugin);

/// "10M", "1k", "5": with `unit` if there is no suffix; `%` of `whole`.
/// nullopt: no such thing.
std::optional<int64_t> parse_quota_amount(std::string_view text, int64_t unit,
                                          uint64_t whole);

/// What is below nothing is nothing.
inline uint64_t natural(int64_t value) {
  return value < 0 ? 0 : static_cast<uint64_t>(value);
}

}  // namespace mail::mailbox
