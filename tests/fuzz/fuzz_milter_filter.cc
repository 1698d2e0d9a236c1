#include "common/milter/filter_engine.h"
#include "tests/fuzz/input.h"

/// What an MTA sends to a filter; each event is answered and edited.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace milter = mail::milter;
  std::string_view rest = Input(data, size).rest();
  milter::FilterEngine engine({0x1, 0x1FFFFF, "i"});
  for (size_t at = 0; at < rest.size(); at += 7) {
    engine.receive(rest.substr(at, 7));
    for (auto event = engine.next(); event && *event; event = engine.next()) {
      (void)engine.macro((*event)->data.substr(0, 1));
      (void)engine.insert_header(0, "X", (*event)->data);
      engine.answer(milter::Answer::Reject);
    }
    engine.sent(engine.pending().size());
  }
  return 0;
}
