#include "imapd/imap-login/engine.h"
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::login;
  mail::imap_login::Texts texts;
  Offer offer{.starttls = true, .mechanisms = {"PLAIN"}};
  mail::imap_login::Engine engine(texts);
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
