#include <cstdint>

#include "common/base/check.h"
#include "common/queuefile/record.h"

// What was read must come out as it went in, whole or byte by byte.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace queuefile = mail::queuefile;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  queuefile::RecordReader reader;
  std::string data_of_all;
  for (char c : bytes) {
    reader.receive({&c, 1});
    auto record = reader.next();
    if (!record) return 0;
    if (*record) data_of_all += (*record)->data;
  }
  CHECK(reader.offset() + reader.rest().size() == size);
  return 0;
}
