#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// private/proxymap, private/proxywrite.
inline constexpr char kProxymapProtocol[] = "proxymap_protocol";

namespace proxy_status {
inline constexpr int kOk = 0;
inline constexpr int kNoKey = 1;
inline constexpr int kRetry = 2;
inline constexpr int kBad = 3;
inline constexpr int kDeny = 4;
inline constexpr int kConfig = 5;
}  // namespace proxy_status

/// request: open; lookup, delete (key); update (key, value); sequence
/// (function: 0 first, 1 next).
struct ProxymapRequest {
  std::string request, table;
  int flags = 0;
  int function = 0;
  std::string key, value;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("request", m.request));
    TRY(io("table", m.table));
    TRY(io("flags", m.flags));
    if (m.request == "sequence") return io("function", m.function);
    if (m.request == "open") return {};
    TRY(io("key", m.key));
    if (m.request == "update") return io("value", m.value);
    return {};
  }
};
struct ProxymapOpenReply {
  int status = 0, flags = 0;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    return io("flags", m.flags);
  }
};
struct ProxymapLookupReply {
  int status = 0;
  std::string value;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    return io("value", m.value);
  }
};
struct ProxymapSequenceReply {
  int status = 0;
  std::string key, value;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    TRY(io("key", m.key));
    return io("value", m.value);
  }
};

}  // namespace mail::ipc
