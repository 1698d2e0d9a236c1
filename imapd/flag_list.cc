#include "imapd/flag_list.h"

#include <algorithm>
#include <cerrno>

#include "common/base/ascii.h"

namespace mail::imapd {

Result<mailbox::FlagSet> parse_flags(const imap::Args& list) {
  mailbox::FlagSet out;
  for (const imap::Arg& arg : list) {
    if (!arg.is_atom()) {
      return fail(Fault::Protocol, "Flags list contains non-atoms.");
    }
    if (arg.text.starts_with('\\')) {
      mailbox::Flags flag = mailbox::flag_of(arg.text);
      if (!flag) {
        return fail(Fault::Protocol, "Invalid system flag " + upper(arg.text));
      }
      out.flags |= flag;
      continue;
    }
    if (!mailbox::is_keyword(arg.text)) {
      return fail(
          Error{Fault::Permanent, "Invalid characters in keyword", EINVAL});
    }
    bool known = std::any_of(
        out.keywords.begin(), out.keywords.end(),
        [&](const std::string& name) { return iequals(name, arg.text); });
    if (!known) out.keywords.push_back(arg.text);
  }
  return out;
}

}  // namespace mail::imapd
