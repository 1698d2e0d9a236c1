#include <cstddef>
#include <cstdint>

#include "tests/unit/common/config/dovecot/fixture.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::config::dovecot;
  std::string text(reinterpret_cast<const char*>(data), size);
  FakeFiles files{{"/d.conf", text}, {"/i/more.conf", text}};
  auto configuration = Configuration::load("/d.conf", files);
  Context context{"imap", "mx.example.org", "10.1.2.3", "::1"};
  (void)configuration.settings(context, files);
  return 0;
}
