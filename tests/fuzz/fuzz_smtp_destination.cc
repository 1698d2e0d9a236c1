#include "delivery/smtp/destination.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  auto mode = in.byte() % 2 ? mail::config::ClientMode::Lmtp
                            : mail::config::ClientMode::Smtp;
  (void)mail::smtpc::parse_destination(in.rest(), "smtp", mode);
  (void)mail::smtpc::parse_destinations(in.rest(), "25", mode);
  return 0;
}
