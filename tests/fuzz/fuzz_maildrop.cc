#include "submission/pickup/copy.h"
#include "submission/postdrop/drop.h"
#include "tests/fuzz/input.h"

/// Records as postdrop gets them from a user, and as pickup finds them.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  mail::queuefile::MemorySource source(in.rest());
  mail::pickup::Copier copier(source, {1000, 1700000000, "f:", "Received: x"});
  std::string out;
  while (!copier.finished() && copier.step(100, out)) continue;
  mail::queuefile::Walker walker(source, 0, mail::queuefile::Pointers::Show);
  mail::postdrop::Checker checker([](std::string_view) {});
  while (!checker.finished()) {
    auto record = walker.next();
    if (!record || !*record) break;
    if (!checker.take({(*record)->type, (*record)->data}, out)) break;
  }
  return 0;
}
