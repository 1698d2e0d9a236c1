#include <cstddef>
#include <cstdint>

#include "common/config/postfix/bounce_templates.h"
#include "common/config/postfix/load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::config;
  std::string text(reinterpret_cast<const char*>(data), size);
  LoadArgs args;
  args.host.host_name = "mx.example.org";
  args.read = [&](const std::string&) {
    return mail::Result<std::string>(text);
  };
  args.check_accounts = false;
  if (auto settings = load(args)) (void)(*settings)->unbuilt_but_set();
  (void)parse_bounce_templates(text, "b", {});
  return 0;
}
