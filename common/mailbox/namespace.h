#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/mailbox/layout.h"
#include "common/mailbox/storage.h"

namespace mail::mailbox {

/// One namespace of a user: names as users say them, and as they are on disk.
class Namespace {
 public:
  Namespace(NamespaceSettings settings, Layout layout, char separator);

  const NamespaceSettings& settings() const { return settings_; }
  const Layout& layout() const { return layout_; }
  char separator() const { return separator_; }
  /// "INBOX." without the separator at its end.
  std::string_view prefix_name() const;

  /// Whether `name` is in here by its prefix: length of the prefix, or -1.
  int match(std::string_view name) const;
  /// The part behind the prefix in the layout's encoding; "INBOX" of the
  /// inbox namespace is "INBOX".
  /// Errors: Permanent EINVAL `Invalid mailbox name: reason`.
  Result<std::string> storage_name(std::string_view name) const;
  /// Stricter, for names that are to be made.
  Result<> check_new_name(std::string_view name) const;
  /// nullopt: a name on disk that no client can say.
  std::optional<std::string> visible_name(std::string_view storage_name) const;
  /// Without prefix, parts with '/' between, for mailbox NAME { }.
  const MailboxSettings* settings_of(std::string_view name) const;
  std::string subscriptions_path() const;

 private:
  NamespaceSettings settings_;
  Layout layout_;
  char separator_;
};

}  // namespace mail::mailbox
