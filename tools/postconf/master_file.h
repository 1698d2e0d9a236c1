#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/load.h"
#include "common/config/postfix/master_cf.h"

namespace mail::postconf {

/// One entry of master.cf as postconf(1) shows it.
struct MasterEntry {
  config::MasterFields fields;  ///< args: options normalised
  /// The -o options among the arguments; the last of a name counts.
  std::vector<config::NameValue> overrides() const;
  void set_override(const config::NameValue& pair);
  void remove_override(std::string_view name);
  const std::string& name() const { return fields.fields[0]; }
  const std::string& type() const { return fields.fields[1]; }
};

/// Field names of -F, in order.
inline constexpr std::string_view kFieldNames[] = {
    "service", "type",   "private",       "unprivileged",
    "chroot",  "wakeup", "process_limit", "command"};

/// Errors, without place: `bad field count`, `invalid chroot field "x" in
/// "LINE"`.
Result<MasterEntry> parse_entry(std::string_view line,
                                const config::WarningSink& warn);
/// Errors: Config: `invalid NAME field "X" in "TEXT"`.
Result<> check_field(int field, std::string_view value, std::string_view text);
/// The argument's text: in {} when it has white space in it.
std::string quoted(std::string_view arg);
/// Command and arguments, as the `command` field of -F has them.
std::string command_text(const MasterEntry& entry);
/// The line of -M, without newline. `expand` is for the values of -o.
using ExpandValue = std::function<std::string(std::string_view)>;
std::string entry_text(const MasterEntry& entry, bool folded,
                       const ExpandValue& expand = {});

/// "SERVICE[/TYPE[/REST]]" of a request; "*" matches all.
struct Pattern {
  std::string service = "*", type = "*", rest = "*";
  bool matches(const MasterEntry& entry) const;
};

}  // namespace mail::postconf
