#include "tests/unit/common/smtp/server_driver.h"

/// The first byte chooses protocol, mode and the size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  mail::smtp::ServerLimits limits;
  limits.line_length = 64;
  limits.bare_newline = static_cast<mail::smtp::BareNewline>(data[0] % 3);
  bool lmtp = (data[0] & 64) != 0;
  if (lmtp) limits.protocol = mail::smtp::Protocol::Lmtp;
  ServerDriver driver(limits);
  driver.lmtp = lmtp;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t step = 1 + data[0] / 4 % 16;
  for (size_t at = 0; at < input.size(); at += step) {
    driver.feed(input.substr(at, step));
  }
  return 0;
}
