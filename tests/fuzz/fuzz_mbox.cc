#include "common/mailbox/mbox_format.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace mail::mailbox;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  MboxRead read = [&](uint64_t at, size_t want) {
    return at < size ? text.substr(at, want) : std::string_view();
  };
  for (uint64_t at = 0; at < size;) {
    auto header = parse_mbox_header(text.substr(at));
    if (!header) break;
    uint64_t body = at + header->size;
    auto end = find_mbox_end(read, body, size, header->content_length);
    if (end.end < body || end.next < end.end || end.next > size ||
        end.next <= at)
      __builtin_trap();
    at = end.next;
  }
  return 0;
}
