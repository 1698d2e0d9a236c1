#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/crypto/secret.h"

namespace mail::sasl {

/// What a mechanism is (RFC 4422), as servers announce it.
struct Traits {
  std::string_view name;
  bool plaintext = false, anonymous = false, dictionary = false, active = false,
       mutual_auth = false, is_private = false;
  /// What it asks of a password database: the scheme of the credentials that
  /// it needs; "PLAIN" with `plaintext`: that a password be verified; empty:
  /// nothing.
  std::string_view scheme;
};
/// Those that are built here.
const std::vector<Traits>& server_mechanisms();
/// Any case; nullptr: not built.
const Traits* find_server_mechanism(std::string_view name);

/// What the server must say or do next.
struct Challenge {
  std::string text;
  std::optional<std::string> user;  ///< LOGIN: becomes known already here
};
/// Is this the user's password? That ends the exchange.
struct CheckPassword {
  std::string user;
  std::string authzid;  ///< who to become; empty: the same
  crypto::Secret password;
};
/// The credentials, please: answer with Server::credentials(), or end it.
struct NeedCredentials {
  std::string user, authzid;
};
/// The client has proven itself. `data` is the last the server says.
struct Accepted {
  std::string data;
};
/// ANONYMOUS: somebody who says `trace` of himself.
struct AcceptedAnonymous {
  std::string trace;
};
struct Refused {
  std::string reason;  ///< for the log
};
using Event = std::variant<Challenge, CheckPassword, NeedCredentials, Accepted,
                           AcceptedAnonymous, Refused>;

struct ServerFacts {
  std::string hostname;             ///< in CRAM-MD5's challenge
  int64_t now = 0;                  ///< seconds since 1970, the same
  std::vector<std::string> realms;  ///< DIGEST-MD5
};

/// The server's side of one exchange of one mechanism. All texts are without
/// base64. Mechanism failures are Refused; after that, Accepted or
/// CheckPassword nothing more may be called.
class Server {
 public:
  virtual ~Server() = default;
  /// nullopt: the client sent no initial response.
  virtual Event start(std::optional<std::string_view> initial) = 0;
  virtual Event respond(std::string_view response) = 0;
  /// After NeedCredentials: the raw data of Traits::scheme.
  virtual Event credentials(std::string_view raw);
};

/// nullptr: not built.
std::unique_ptr<Server> make_server(std::string_view mechanism,
                                    const ServerFacts& facts);

}  // namespace mail::sasl
