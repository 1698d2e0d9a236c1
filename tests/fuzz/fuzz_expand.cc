#include <cstddef>
#include <cstdint>

#include "common/config/postfix/expand.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::config;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto lookup = [&](std::string_view name) -> std::optional<std::string> {
    if (name == "self") return std::string(text);
    if (name == "a") return "A$b";
    return std::nullopt;
  };
  (void)expand(text, lookup);
  (void)expand(text, lookup, {.recursive = true, .allowed_bytes = "Ab"});
  (void)scan_names(text, [](std::string_view) {});
  return 0;
}
