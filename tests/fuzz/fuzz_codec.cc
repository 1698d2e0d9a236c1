#include "common/mime/codec.h"
#include "common/mime/phrase.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace mime = mail::mime;
  Input in(data, size);
  std::string text(in.rest());
  (void)mime::decode_xtext(text);
  (void)mime::decode_quoted_printable(text);
  (void)mime::decode_base64_loose(text);
  (void)mime::encode_words(text);
  (void)mime::format_from(text, "a@b");
  must(mime::decode_xtext(mime::encode_xtext(text)) == text);
  must(mime::decode_base64_loose(mime::encode_base64_lines(text)) == text);
  (void)mime::decode_quoted_printable(mime::encode_quoted_printable(text));
  return 0;
}
