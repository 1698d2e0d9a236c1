#include "tests/fuzz/input.h"
#include "tools/postcat/printer.h"

/// The first byte chooses what is shown.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace postcat = mail::postcat;
  Input in(data, size);
  unsigned mode = in.byte();
  postcat::Options options;
  options.envelope = mode & 1;
  options.header = mode & 2;
  options.body = mode & 4;
  options.offsets = options.decimal = options.names = mode & 8;
  if (mode & 64) options.start = in.byte();
  postcat::Sink sink{[](std::string_view) { return mail::Result<>{}; },
                     [](const std::string&) {}};
  mail::queuefile::MemorySource source(in.rest());
  (void)postcat::print(source, "file", options, sink);
  return 0;
}
