#include <cstdint>

#include "common/base/check.h"
#include "common/queue/delivery_log.h"

// An entry that was read and written again reads the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::queue;
  LogParser parser;
  parser.receive({reinterpret_cast<const char*>(data), size});
  parser.finish();
  while (auto entry = parser.next()) {
    LogParser again;
    again.receive(format_log_entry(*entry));
    again.finish();
    auto copy = again.next();
    CHECK(copy && !again.next());
  }
  return 0;
}
