#include "common/smtp/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)mail::smtp::parse_reply(text).line();
  mail::smtp::ReplyParser parser({64, 256});
  while (!text.empty()) {
    text.remove_prefix(parser.feed(text));
    if (parser.complete()) (void)parser.take().dsn();
  }
  return 0;
}
