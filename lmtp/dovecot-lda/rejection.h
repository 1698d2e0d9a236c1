#pragma once

#include <string>

#include "common/config/dovecot/settings.h"

namespace mail::lda {

/// Who is told why of which message.
struct Rejection {
  std::string sender;     ///< to whom it goes
  std::string recipient;  ///< whose mailbox would not take it
  std::string reason;
  std::string status;   ///< "5.2.2"
  std::string header;   ///< of the message, LF line ends
  std::string subject;  ///< of the message; may be empty
  std::string hostname;
  long seconds = 0, microseconds = 0;
  long pid = 0;
};

/// The whole notice, LF line ends: multipart/report (RFC 3464) with the reason,
/// the status and the message's header. Errors: Config, a setting's variables
/// (postmaster_address, rejection_subject, rejection_reason).
Result<std::string> rejection_text(const Rejection& rejection,
                                   const config::dovecot::Settings& settings);

}  // namespace mail::lda
