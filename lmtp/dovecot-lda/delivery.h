#pragma once

#include "lmtp/dovecot-lda/options.h"

namespace mail::lda {

/// Exit statuses, of sysexits.h.
enum Exit {
  kOk = 0,
  kUsageError = 64,
  kNoUser = 67,
  kTempFail = 75,
  kNoPerm = 77,
};

/// One run of dovecot-lda after its options are read. Returns the exit status.
int deliver(const Options& options);

}  // namespace mail::lda
