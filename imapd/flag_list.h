#pragma once

#include "common/base/result.h"
#include "common/imap/arg.h"
#include "common/mailbox/flags.h"

namespace mail::imapd {

/// Flags of STORE and APPEND. Errors: Protocol, the text of BAD ("Invalid
/// system flag \FOO"); Permanent with EINVAL, a keyword's bad characters.
Result<mailbox::FlagSet> parse_flags(const imap::Args& list);

}  // namespace mail::imapd
