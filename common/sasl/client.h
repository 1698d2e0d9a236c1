#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::sasl {

struct ClientIdentity {
  std::string user, password;
  std::string authzid;   ///< who to become; empty: the user
  std::string service;   ///< DIGEST-MD5's digest-uri: "smtp", "imap"
  std::string hostname;  ///< the server's, the same
};

/// The client's side of one exchange; texts without base64.
class Client {
 public:
  virtual ~Client() = default;
  /// nullopt: the server speaks first.
  virtual std::optional<std::string> initial() { return std::nullopt; }
  /// The answer to a challenge. Errors: Protocol, the server does not keep to
  /// the mechanism, or (mutual authentication) does not know the password.
  virtual Result<std::string> respond(std::string_view challenge) = 0;
  /// With mutual authentication: the server has shown that it knows the
  /// password. Do not believe its success before that.
  virtual bool satisfied() const { return true; }
};

/// PLAIN, LOGIN, CRAM-MD5, DIGEST-MD5, SCRAM-SHA-1, SCRAM-SHA-256, EXTERNAL,
/// ANONYMOUS, any case; nullptr: not built.
std::unique_ptr<Client> make_client(std::string_view mechanism,
                                    ClientIdentity identity);

}  // namespace mail::sasl
