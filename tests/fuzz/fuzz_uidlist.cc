#include "common/mailbox/keywords.h"
#include "common/mailbox/maildirsize.h"
#include "common/mailbox/subscriptions.h"
#include "common/mailbox/uidlist.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace mail::mailbox;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto list = parse_uidlist(text);
  if (list) {
    for (auto& entry : list->entries) {
      if (entry.uid == 0 || entry.name.empty()) __builtin_trap();
    }
  }
  (void)parse_keywords(text);
  (void)parse_maildirsize(text);
  (void)parse_subscriptions(text, '.');
  return 0;
}
