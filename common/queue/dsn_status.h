#pragma once

#include <string>
#include <string_view>

#include "common/ipc/groups.h"

namespace mail::queue {

/// "X.Y.Z" (RFC 3463): X is 2, 4 or 5; Y and Z have one to three digits.
bool is_dsn_status(std::string_view text);

/// A status and the words after it.
struct DsnText {
  std::string status, text;
};
/// Splits "X.Y.Z words"; without a status in front the whole is words and
/// `fallback` the status.
DsnText split_dsn(std::string_view text, std::string_view fallback);

/// The status for an errno of writing into a mailbox. `fallback`: "5.2.0"
/// for local(8), "4.2.0" for virtual(8).
std::string_view mailbox_status(int error, std::string_view fallback);

/// soft_bounce: 5.Y.Z becomes 4.Y.Z, in an SMTP reply in diag_text too.
void soften(ipc::Dsn& dsn);

}  // namespace mail::queue
