// A whole message is judged; its key record is the text before the first NUL.
#include "tests/unit/common/dkim/fixture.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::dkim;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t nul = std::min(text.find('\0'), text.size());
  auto message = read_message(text.substr(std::min(nul + 1, text.size())));
  Keys keys{{"s._domainkey.d", std::string(text.substr(0, nul))}};
  (void)verify(message, keys, {}, 1000, 3);
  return 0;
}
