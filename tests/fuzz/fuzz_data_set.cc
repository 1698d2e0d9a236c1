#include "common/maps/data_set.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using mail::maps::DataSet;
  std::string text(reinterpret_cast<const char*>(data), size);
  (void)mail::maps::parse_lines(text);
  auto list = DataSet::open("csl:" + text, DataSet::Case::Fold);
  if (list) (void)list->contains(text.substr(0, 3));
  return 0;
}
