#include "master/postlogd/record.h"
#include "master/tlsmgr/session_value.h"
#include "queue/flush/logs.h"
#include "queue/verify/entry.h"
#include "tests/fuzz/input.h"

/// What postlogd is sent, and what tlsmgr, verify and flush find in files.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  (void)mail::postlogd::parse_record(in.rest());
  (void)mail::flush::log_name(in.rest());
  (void)mail::tlsmgr::unpack_session(in.rest());
  auto entry = mail::verify::Entry::parse(in.rest());
  if (!entry) return 0;
  auto again = mail::verify::Entry::parse(entry->format());
  must(again && again->text == entry->text);
  return 0;
}
