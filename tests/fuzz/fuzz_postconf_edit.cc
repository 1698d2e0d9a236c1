#include "tests/fuzz/input.h"
#include "tools/postconf/edit.h"

/// Letters of the options, an argument, the file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace postconf = mail::postconf;
  Input in(data, size);
  postconf::Options options;
  options.letters = in.byte() % 2 ? "e" : in.byte() % 2 ? "X" : "#";
  if (unsigned which = in.byte() % 4) options.letters += " MFP"[which];
  options.args.emplace_back(in.line());
  auto ignore = [](std::string_view) {};
  (void)postconf::edit_main(in.rest(), "main.cf", options, ignore);
  (void)postconf::edit_master(in.rest(), "master.cf", options, ignore);
  return 0;
}
