#include <cstdint>

#include "common/queuefile/content.h"
#include "common/queuefile/envelope.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace queuefile = mail::queuefile;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  queuefile::MemorySource source(bytes);
  queuefile::EnvelopeParser parser(queuefile::Wanted::All);
  std::vector<queuefile::FileRecipient> rcpts;
  while (!parser.finished() && parser.read(source, 2, rcpts)) {
  }
  queuefile::ContentReader reader(source, parser.envelope().content_offset);
  std::string content;
  (void)queuefile::append_content(reader, SIZE_MAX, "\n", content);
  return 0;
}
