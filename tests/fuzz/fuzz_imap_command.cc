#include "common/imap/fetch_items.h"
#include "common/imap/search_program.h"
#include "common/imap/server_engine.h"
using namespace mail::imap;
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  std::string held(reinterpret_cast<const char*>(data), size);
  ServerEngine engine{ServerEngine::Limits{}};
  while (auto event = engine.next(held)) {
    held.erase(0, engine.consumed());
    if (std::get_if<AppendMessage>(&*event)) engine.accept_message();
    auto* command = std::get_if<Command>(&*event);
    if (!command || command->args.empty()) continue;
    size_t at = 0;
    (void)parse_fetch_items(command->args, at);
    (void)parse_search(command->args, 0, SearchLimits{100, 1000});
  }
  return 0;
}
