#pragma once

#include "common/config/dovecot/settings.h"
#include "imapd/config.h"

namespace mail::imapd {

/// What imap reads of dovecot.conf.
Config config_of(const config::dovecot::Settings& settings);

}  // namespace mail::imapd
