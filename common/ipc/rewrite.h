#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// private/rewrite (trivial-rewrite). server_flags != 0: reconnect, the
/// server is about to restart.
inline constexpr char kRewriteProtocol[] = "trivial_rewrite_protocol";

/// What every request begins with; the rest depends on it.
struct RewriteRequest {
  std::string request = "rewrite";
  std::string rule;     ///< "local" or "remote"
  std::string address;  ///< external (quoted) form
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("request", m.request));
    TRY(io("rule", m.rule));
    return io("address", m.address);
  }
};
struct RewriteReply {
  int server_flags = 0;
  std::string address;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("flags", m.server_flags));
    return io("address", m.address);
  }
};

struct ResolveRequest {
  std::string request = "resolve";  ///< or "verify"
  std::string sender, address;      ///< internal (unquoted) form
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("request", m.request));
    TRY(io("sender", m.sender));
    return io("address", m.address);
  }
};
struct ResolveReply {
  int server_flags = 0;
  std::string transport, nexthop, recipient;
  int flags = 0;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("flags", m.server_flags));
    TRY(io("transport", m.transport));
    TRY(io("nexthop", m.nexthop));
    TRY(io("recipient", m.recipient));
    return io("flags", m.flags);
  }
};

namespace resolve_flag {
inline constexpr int kFinal = 1;
inline constexpr int kRouted = 2;  // sender-specified routing
inline constexpr int kError = 4;   // address syntax
inline constexpr int kFail = 8;    // lookup failure
inline constexpr int kLocal = 256;
inline constexpr int kAlias = 512;
inline constexpr int kVirtual = 1024;
inline constexpr int kRelay = 2048;
inline constexpr int kDefault = 4096;
inline constexpr int kClasses = kLocal | kAlias | kVirtual | kRelay | kDefault;
}  // namespace resolve_flag

}  // namespace mail::ipc
