#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// private/anvil, plain form. ident: "smtp:192.0.2.1".
inline constexpr char kAnvilProtocol[] = "anvil_protocol";

/// request: connect, disconnect, message, recipient, newtls, newtls_status,
/// auth, lookup.
struct AnvilRequest {
  std::string request, ident;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("request", m.request));
    return io("ident", m.ident);
  }
};
/// To connect. disconnect is answered with a Status.
struct AnvilConnectReply {
  int status = 0, count = 0, rate = 0;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    TRY(io("count", m.count));
    return io("rate", m.rate);
  }
};
/// To message, recipient, newtls, newtls_status, auth.
struct AnvilRateReply {
  int status = 0, rate = 0;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    return io("rate", m.rate);
  }
};
/// To lookup.
struct AnvilLookupReply {
  int status = 0, count = 0, rate = 0, mail = 0, rcpt = 0, newtls = 0, auth = 0;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    TRY(io("count", m.count));
    TRY(io("rate", m.rate));
    TRY(io("mail", m.mail));
    TRY(io("rcpt", m.rcpt));
    TRY(io("newtls", m.newtls));
    return io("auth", m.auth);
  }
};

}  // namespace mail::ipc
