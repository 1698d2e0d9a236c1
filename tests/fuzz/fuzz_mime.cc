#include "common/base/ascii.h"
#include "common/mime/mime_state.h"

struct Nothing : mail::mime::MimeSink {
  void on_header(mail::mime::HeaderClass, const mail::mime::HeaderInfo*,
                 std::string_view) override {}
  void on_primary_end() override {}
  void on_body(std::string_view, bool) override {}
};

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Nothing sink;
  mail::mime::MimeState state({.downgrade = true, .nesting_limit = 5}, sink);
  for (auto line : mail::split_exact(text, '\n')) {
    state.line(line, !line.ends_with('+'));
  }
  state.finish();
  return 0;
}
