#include "common/sasl/server.h"

#include "common/base/ascii.h"
#include "common/sasl/server_mechanisms.h"

namespace mail::sasl {

const std::vector<Traits>& server_mechanisms() {
  static const std::vector<Traits> all = {
      {.name = "PLAIN", .plaintext = true, .scheme = "PLAIN"},
      {.name = "LOGIN", .plaintext = true, .scheme = "PLAIN"},
      {.name = "CRAM-MD5",
       .dictionary = true,
       .active = true,
       .scheme = "CRAM-MD5"},
      {.name = "DIGEST-MD5",
       .dictionary = true,
       .active = true,
       .mutual_auth = true,
       .scheme = "DIGEST-MD5"},
      {.name = "SCRAM-SHA-1", .mutual_auth = true, .scheme = "SCRAM-SHA-1"},
      {.name = "SCRAM-SHA-256", .mutual_auth = true, .scheme = "SCRAM-SHA-256"},
      {.name = "EXTERNAL"},
      {.name = "ANONYMOUS", .anonymous = true},
  };
  return all;
}

const Traits* find_server_mechanism(std::string_view name) {
  for (const auto& traits : server_mechanisms()) {
    if (iequals(traits.name, name)) return &traits;
  }
  return nullptr;
}

Event Server::credentials(std::string_view) {
  return Refused{"no credentials are needed"};
}

std::unique_ptr<Server> make_server(std::string_view mechanism,
                                    const ServerFacts& facts) {
  const Traits* traits = find_server_mechanism(mechanism);
  if (!traits) return nullptr;
  if (traits->name == "PLAIN") return make_plain_server();
  if (traits->name == "LOGIN") return make_login_server();
  if (traits->name == "EXTERNAL") return make_external_server();
  if (traits->name == "ANONYMOUS") return make_anonymous_server();
  if (traits->name == "CRAM-MD5") return make_cram_md5_server(facts);
  if (traits->name == "DIGEST-MD5") return make_digest_md5_server(facts);
  return make_scram_server(*traits);
}

}  // namespace mail::sasl
