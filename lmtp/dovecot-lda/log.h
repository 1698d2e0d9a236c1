#pragma once

#include <string_view>

#include "common/config/dovecot/settings.h"
#include "common/log/log.h"

namespace mail::lda {

/// Lines go where log_path and info_log_path say; until then to standard error.
void open_log(const config::dovecot::Settings& settings);
/// PREFIX [LEVEL: ]TEXT, to the log.
void log_line(std::string_view prefix, log::Level level, std::string_view text);
/// A line to standard error, for the mail system that has called us.
void tell(std::string_view text);

}  // namespace mail::lda
