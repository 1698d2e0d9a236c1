#include "pop3d/pop3-login/engine.h"
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::login;
  std::string greeting = "ready";
  Offer offer{.starttls = true, .mechanisms = {"PLAIN"}};
  mail::pop3_login::Engine engine(greeting);
  engine.set_offer(&offer);
  std::string_view in(reinterpret_cast<const char*>(data), size);
  while (auto taken = engine.receive(in)) {
    in.remove_prefix(taken);
    while (auto event = engine.next_event()) {
      if (std::get_if<Authenticate>(&*event)) engine.challenge("");
      if (std::get_if<Response>(&*event)) engine.refuse(Refusal::Failed, "");
      if (std::get_if<StartTls>(&*event)) engine.tls_started();
    }
  }
  return 0;
}
