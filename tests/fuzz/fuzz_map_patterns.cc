#include <cstdint>

#include "common/maps/table.h"

// First line: a key; then one rule for each pattern type.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t end = text.find('\n');
  std::string_view key = text.substr(0, end);
  std::string rule(end == text.npos ? "" : text.substr(end + 1));
  mail::maps::OpenOptions options;
  options.warn = [](std::string_view) {};
  for (std::string type : {"regexp:{{", "pcre:{{", "cidr:{{"}) {
    auto table = mail::maps::open_table(type + rule + "}}", options);
    if (table) (void)(*table)->lookup(key);
  }
  return 0;
}
