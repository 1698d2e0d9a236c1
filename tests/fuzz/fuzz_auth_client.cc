#include <cstdint>

#include "authd/client_engine.h"
#include "authd/worker_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::authd;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ClientEngine client({1, 1, "cookie", {}, true});
  MasterEngine master(1, false);
  client.receive(bytes);
  master.receive(bytes);
  while (client.next_event()) (void)client.shown_line(false);
  while (master.next_event()) continue;
  (void)WorkerQuestion::parse(bytes);
  (void)read_pass_answer(bytes);
  return 0;
}
