#include "common/milter/protocol.h"
#include "tests/fuzz/input.h"

/// The first byte chooses the event that the filter answers.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace milter = mail::milter;
  Input in(data, size);
  auto event = static_cast<milter::Event>("CHMRTLNBEU"[in.byte() % 10]);
  std::string_view bytes = in.rest();
  auto offer = milter::parse_offer(bytes);
  (void)milter::parse_macro_names(bytes);
  milter::MacroLists macros;
  while (true) {
    auto packet = milter::take_packet(bytes);
    if (!packet || !*packet) return 0;
    (void)milter::parse_reply(**packet, event);
    (void)milter::agree(offer ? *offer : milter::Offer{}, **packet, macros);
  }
}
