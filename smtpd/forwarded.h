#pragma once

#include <optional>
#include <string>

namespace mail::smtpd {

/// What XFORWARD has said of the client that a message came from first; for
/// logs and the queue file, never for decisions.
struct Forwarded {
  std::string name = "unknown", address = "unknown", port = "unknown",
              protocol = "unknown", helo = "unknown";
  std::string ident;          ///< its queue id there; may be empty
  std::optional<bool> local;  ///< SOURCE

  /// NAME[ADDR]; "unknown" when neither is known.
  std::string name_addr() const {
    if (name == "unknown" && address == "unknown") return name;
    return name + "[" + address + "]";
  }
};

}  // namespace mail::smtpd
