#include <cstdint>

#include "common/dns/packet.h"

// The first byte chooses the type asked for; the id is taken from the packet.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using mail::dns::Type;
  if (size < 3) return 0;
  constexpr Type kTypes[] = {Type::A,   Type::MX,  Type::TXT,
                             Type::PTR, Type::SRV, Type::TLSA};
  mail::dns::Question question;
  question.name = "example.org";
  question.type = kTypes[data[0] % 6];
  question.id = static_cast<uint16_t>(data[1] << 8 | data[2]);
  std::string_view packet(reinterpret_cast<const char*>(data + 1), size - 1);
  (void)mail::dns::parse_reply(packet, question);
  return 0;
}
