#include "common/queue/dsn_status.h"
#include "delivery/sysexits.h"
#include "tests/fuzz/input.h"

/// What a command that takes mail says at its end.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  mail::process::CommandEnd end;
  end.status = static_cast<int>(in.byte());
  end.output = in.rest();
  mail::ipc::Dsn dsn = mail::delivery::judge_command(end, "/bin/x");
  must(mail::queue::is_dsn_status(dsn.status));
  mail::queue::soften(dsn);
  return 0;
}
