#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/smtp/capabilities.h"
#include "delivery/smtp/servers.h"

namespace mail::smtpc {

/// What the next user of an open connection must know of it, as scache(8)
/// keeps it: a text that only this program reads. Lines of name=value:
///   host, address or path, port: of the server
///   can, size, auth, xforward: what it announced
///   uses: how often it was reused; since: when it was opened, seconds (1970)
struct Parked {
  Server server;
  smtp::Capabilities can;
  int uses = 0;
  long since = 0;

  std::string text() const;
  /// nullopt: not such a text.
  static std::optional<Parked> parse(std::string_view text);
};

}  // namespace mail::smtpc
