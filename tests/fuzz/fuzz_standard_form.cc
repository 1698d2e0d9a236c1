#include "queue/trivial-rewrite/route.h"
#include "tests/fuzz/input.h"

/// The first byte chooses the rules.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  unsigned mode = in.byte();
  mail::rewrite::StandardForm form;
  form.swap_bangpath = mode & 1;
  form.percent_hack = mode & 2;
  form.append_at_origin = mode & 4;
  form.append_dot_domain = mode & 8;
  form.origin = form.domain = "example.com";
  (void)mail::rewrite::standard_form(in.rest(), form);
  (void)mail::rewrite::inner_route(in.rest(), form);
  return 0;
}
