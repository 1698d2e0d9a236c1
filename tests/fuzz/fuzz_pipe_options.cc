#include "delivery/pipe/options.h"
#include "tests/fuzz/input.h"

/// One argument a line, then an empty line, sender and recipients.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  std::vector<std::string> arguments;
  while (!in.empty()) {
    arguments.emplace_back(in.line());
    if (arguments.back().empty()) break;
  }
  auto options = mail::pipe::parse_options(arguments);
  mail::delivery::Request request;
  request.sender = in.line();
  while (!in.empty() && request.recipients.size() < 50) {
    request.recipients.emplace_back().recipient = in.line();
  }
  if (options) (void)mail::pipe::expand_argv(*options, request, "+-");
  return 0;
}
