#include <cstdint>

#include "common/maps/source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  mail::maps::MapSource::Options options{true, true, [](std::string_view) {}};
  mail::maps::MapSource map(text, "map", options);
  while (map.next()) {
  }
  mail::maps::AliasSource aliases(text, "aliases", options);
  while (aliases.next()) {
  }
  return 0;
}
