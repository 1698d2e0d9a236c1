#include "common/config/opendkim/conf.h"
#include "common/config/opendkim/key_table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::config::opendkim;
  std::string text(reinterpret_cast<const char*>(data), size);
  auto conf = Conf::read(
      "-", [&](const std::string&) { return mail::Result<std::string>(text); });
  if (conf) (void)conf->unsupported();
  if (auto entry = read_key_entry(text)) (void)entry->for_domain("a%b");
  (void)read_signing_entry(text).for_domain("x");
  return 0;
}
