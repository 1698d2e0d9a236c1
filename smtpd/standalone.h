#pragma once

#include <memory>

#include "smtpd/config.h"

namespace mail::smtpd {

/// `sendmail -bs`: one conversation on standard input, with the rights of who
/// runs us. Nobody is judged, nothing is rewritten, and mail goes to
/// postdrop(1), as that of sendmail(1) does.
void settle_standalone(Config& config);

/// Says yes to everybody.
std::unique_ptr<restriction::Restrictions> no_restrictions();

}  // namespace mail::smtpd
