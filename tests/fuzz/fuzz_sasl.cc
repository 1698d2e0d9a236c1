#include <cstdint>

#include "common/sasl/password.h"
#include "common/sasl/server.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::sasl;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto half = text.substr(0, size / 2), rest = text.substr(size / 2);
  for (const auto& traits : server_mechanisms()) {
    auto server = make_server(traits.name, {"host", 1, {}});
    auto event = server->start(text);
    if (std::get_if<Challenge>(&event)) event = server->respond(text);
    if (std::get_if<NeedCredentials>(&event)) event = server->credentials(half);
    if (std::get_if<Challenge>(&event)) (void)server->respond(rest);
  }
  auto stored = split_stored(text);
  (void)decode_stored(stored.scheme, stored.data);
  return 0;
}
