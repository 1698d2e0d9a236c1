#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// private/tlsmgr. status: 0 ok, -1 not found or error, -2 fail.
inline constexpr char kTlsmgrProtocol[] = "tlsmgr_protocol";

/// request: seed (size); policy (cache_type); lookup, delete (cache_type,
/// cache_id); update (cache_type, cache_id, session); tktkey (keyname).
struct TlsmgrRequest {
  std::string request;
  int size = 0;
  std::string cache_type;  ///< smtpd, smtp, lmtp
  std::string cache_id;
  Blob session, keyname;  ///< keyname: 0 or 16 bytes
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("request", m.request));
    if (m.request == "seed") return io("size", m.size);
    if (m.request == "tktkey") return io("keyname", m.keyname);
    TRY(io("cache_type", m.cache_type));
    if (m.request == "policy") return {};
    TRY(io("cache_id", m.cache_id));
    if (m.request == "update") return io("session", m.session);
    return {};
  }
};
struct TlsmgrSeedReply {
  int status = 0;
  Blob seed;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    return io("seed", m.seed);
  }
};
struct TlsmgrPolicyReply {
  int status = 0, cachable = 0, timeout = 0;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    TRY(io("cachable", m.cachable));
    return io("timeout", m.timeout);
  }
};
struct TlsmgrSessionReply {
  int status = 0;
  Blob session;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    return io("session", m.session);
  }
};
/// keybuf: name[16], bits[32], hmac[32], time_t; 88 bytes.
struct TlsmgrKeyReply {
  int status = 0;
  Blob keybuf;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    return io("keybuf", m.keybuf);
  }
};

}  // namespace mail::ipc
