#include <cstdint>

#include "common/maps/match_list.h"

// First line: a name; then a list. A '/' stays only after a digit: no files.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::maps;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t end = text.find('\n');
  std::string value(end == text.npos ? "" : text.substr(end + 1));
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '/' && (i == 0 || value[i - 1] < '0' || value[i - 1] > '9'))
      value[i] = '.';
  }
  for (auto kind : {ListKind::String, ListKind::Domain, ListKind::Network}) {
    auto list = MatchList::open("list", value, {kind, true, {}});
    (void)list.match_now(text.substr(0, end), "192.0.2.1");
  }
  return 0;
}
