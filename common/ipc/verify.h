#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// private/verify. The double r is on the wire.
inline constexpr char kVerifyProtocol[] = "address_verification_prrotocol";

namespace verify_status {  // of a recipient
inline constexpr int kOk = 0;
inline constexpr int kDefer = 1;
inline constexpr int kBounce = 2;
inline constexpr int kTodo = 3;
}  // namespace verify_status

/// request "query": address. "update": address, recipient_status, reason.
struct VerifyRequest {
  std::string request = "query";
  std::string address;
  int recipient_status = 0;
  std::string reason;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("request", m.request));
    TRY(io("address", m.address));
    if (m.request != "update") return {};
    TRY(io("recipient_status", m.recipient_status));
    return io("reason", m.reason);
  }
};
/// To "query"; "update" is answered with a Status (0 ok, -1 fail, -2 bad).
struct VerifyReply {
  int status = 0;
  int recipient_status = 0;
  std::string reason;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    TRY(io("recipient_status", m.recipient_status));
    return io("reason", m.reason);
  }
};

}  // namespace mail::ipc
