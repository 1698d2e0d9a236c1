#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::net {

/// What stands between a Stream's caller and its descriptor: TLS, compression.
/// Bytes in, bytes out; the Stream moves them.
class Filter {
 public:
  virtual ~Filter() = default;
  /// Bytes from the descriptor: appends what they mean to `plain`, and what
  /// must be answered at once (handshake, alerts) to `wire`.
  /// Errors: Protocol, the session cannot go on (`wire` may hold an alert).
  virtual Result<> decode(std::string_view received, std::string& plain,
                          std::string& wire) = 0;
  /// Bytes to send: appends their wire form.
  virtual Result<> encode(std::string_view plain, std::string& wire) = 0;
  /// The peer has said that nothing follows (TLS close_notify).
  virtual bool at_end() const = 0;
  /// Appends what says so to the peer.
  virtual void close(std::string& wire) = 0;
};

}  // namespace mail::net
