#pragma once

#include <set>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/mailbox/permissions.h"

namespace mail::mailbox {

/// The file `subscriptions`, version 2:
///   V<tab>2
///   (empty)
///   one name a line, its parts with tabs between, tab-escaped
/// Version 1, names with `separator` as they are, is read too.
std::set<std::string> parse_subscriptions(std::string_view text,
                                          char separator);
std::string format_subscriptions(const std::set<std::string>& names,
                                 char separator);

/// Names as they are on disk. A missing file is none.
Result<std::set<std::string>> read_subscriptions(const std::string& path,
                                                 char separator);
/// Adds or takes away one, under the lock PATH.lock; false: it was so.
Result<bool> change_subscription(const std::string& path, char separator,
                                 const std::string& name, bool subscribed,
                                 std::string_view host,
                                 const Permissions& permissions);

}  // namespace mail::mailbox
