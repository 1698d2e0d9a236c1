#include "tests/fuzz/access_bench.h"

/// The entry. Names of restrictions (with a "_") would ask the network.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mail::smtpd;
  static Bench bench;
  Input in(data, size);
  std::string value(in.rest());
  if (value.find('_') != value.npos || value.size() > 1000) return 0;
  Facts facts;
  facts.sender = "a@b";
  restriction::Effects effects;
  restriction::Run run{*bench.site, facts, effects};
  bench.loop.run(restriction::apply_action(run, "static:x", "a@b", value,
                                           restriction::Subject::Sender));
  return 0;
}
