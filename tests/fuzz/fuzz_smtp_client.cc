#include "common/smtp/client_engine.h"

/// The input is what the server says to a whole transaction.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mail::smtp::ClientEngine engine({});
  engine.ehlo("host");
  engine.mail("a@b", {});
  engine.rcpt("c@d", {});
  engine.data();
  engine.end_of_data();
  engine.quit();
  for (size_t i = 0; i < size; ++i) {
    engine.receive({reinterpret_cast<const char*>(data) + i, 1});
    while (engine.next_reply()) {
    }
  }
  return 0;
}
