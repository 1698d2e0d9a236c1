#include "common/imap/envelope.h"
#include "common/mime/structure.h"
using namespace mail;
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  mime::StructureParser halves;
  halves.feed(text.substr(0, size / 2));
  halves.feed(text.substr(size / 2));
  mime::Part root = mime::parse_structure(text), other = halves.finish();
  std::string a, b;
  imap::put_body_structure(a, root, true);
  imap::put_body_structure(b, other, true);
  imap::put_envelope(a, *root.envelope);
  imap::put_envelope(b, *other.envelope);
  if (a != b) __builtin_trap();
  return 0;
}
