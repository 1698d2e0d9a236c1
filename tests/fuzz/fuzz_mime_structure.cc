#include "common/imap/envelope.h"
#include "common/mime/envelope_scan.h"
#include "common/mime/structure.h"
using namespace mail;
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  mime::StructureParser halves;
  halves.feed(text.substr(0, size / 2));
  halves.feed(text.substr(size / 2));
  mime::Part root = mime::parse_structure(text), other = halves.finish();
  std::string a, b, c;
  imap::put_envelope(a, root.envelope->view());
  imap::put_envelope(c, mime::EnvelopeScan(text).fields());
  if (a != c) __builtin_trap();
  imap::put_body_structure(a, root, true);
  imap::put_envelope(b, other.envelope->view());
  imap::put_body_structure(b, other, true);
  if (a != b) __builtin_trap();
  return 0;
}
