#include "common/spf/check.h"

// The input is the record of the domain, and of every other name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::spf;
  std::string text(reinterpret_cast<const char*>(data), size);
  Identity identity;
  identity.domain = "a.example";
  identity.sender = "x@a.example";
  Replies replies;
  while (true) {
    auto result = evaluate(identity, replies);
    if (std::holds_alternative<Verdict>(result)) return 0;
    for (const auto& question : std::get<1>(result)) {
      replies[question] = {Reply::Status::Found, {text}, {identity.client}};
    }
  }
}
