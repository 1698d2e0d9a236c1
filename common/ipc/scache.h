#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// private/scache. status: 0 ok, 1 bad, 2 not found. With a descriptor:
///   save_endp: request, server: ScacheReady, client: descriptor, status
///   find_*: request, status ok, client: ScacheReady, server: descriptor,
///           client: ScacheReady
inline constexpr char kScacheProtocol[] = "connection_cache_protocol";

/// Who takes a descriptor says first that it may come (one that follows other
/// bytes too closely could be lost with them), and a finder that it has.
struct ScacheReady {
  std::string dummy;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    return io("dummy", m.dummy);
  }
};

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
