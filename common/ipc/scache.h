#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// private/scache. status: 0 ok, 1 bad, 2 not found. A descriptor follows
/// save_endp (from the client) and a good find_* (from the server).
inline constexpr char kScacheProtocol[] = "connection_cache_protocol";

/// request: save_endp (ttl, label, property), find_endp (label), save_dest
/// (ttl, label, property, endpoint label), find_dest (label).
struct ScacheRequest {
  std::string request;
  int ttl = 0;
  std::string label, property, endpoint;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("request", m.request));
    bool saves = m.request == "save_endp" || m.request == "save_dest";
    if (saves) TRY(io("ttl", m.ttl));
    TRY(io("label", m.label));
    if (saves) TRY(io("property", m.property));
    if (m.request == "save_dest") TRY(io("label", m.endpoint));
    return {};
  }
};
struct ScacheEndpointReply {
  int status = 0;
  std::string property;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    return io("property", m.property);
  }
};
struct ScacheDestinationReply {
  int status = 0;
  std::string destination_property, endpoint_property;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    TRY(io("property", m.destination_property));
    return io("property", m.endpoint_property);
  }
};

}  // namespace mail::ipc
