#include "pop3d/engine.h"
struct Drop : mail::pop3d::Maildrop {
  uint32_t count() const override { return 2; }
  uint64_t size(uint32_t n) const override { return n; }
  std::string uidl(uint32_t) override { return "1"; }
};
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Drop drop;
  mail::pop3d::Engine engine({}, drop);
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (auto in = text; auto taken = engine.receive(in);) {
    in.remove_prefix(taken);
    while (auto event = engine.next_event()) {
      if (event->index() != 0) continue;
      engine.begin_content(), engine.content(text), engine.end_content();
    }
  }
  return 0;
}
