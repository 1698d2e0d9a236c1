#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// public/cleanup: the server greets with protocol and queue id in one
/// message; the client sends CleanupFlags, then queue file records; the server
/// answers with StatusReason. postdrop(1) greets the same way.
inline constexpr char kCleanupProtocol[] = "cleanup_protocol";
inline constexpr char kPostdropProtocol[] = "postdrop_protocol";

struct CleanupGreeting {
  std::string protocol, queue_id;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("protocol", m.protocol));
    return io("queue_id", m.queue_id);
  }
};

namespace cleanup_flag {
inline constexpr int kBounce = 1;  // bounce bad mail
inline constexpr int kFilter = 2;  // header and body checks
inline constexpr int kHold = 4;
inline constexpr int kDiscard = 8;
inline constexpr int kBcc = 16;  // automatic bcc
inline constexpr int kMap = 32;  // address mapping
inline constexpr int kMilter = 64;
inline constexpr int kSmtpReply = 128;  // reason is an SMTP reply
inline constexpr int kSmtputf8 = 256;
inline constexpr int kAutoUtf8 = 512;  // detect it
inline constexpr int kExternal = kFilter | kMilter | kBcc | kMap;
}  // namespace cleanup_flag

struct CleanupFlags {
  int flags = 0;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    return io("flags", m.flags);
  }
};

/// StatusReason.status: bits.
namespace cleanup_status {
inline constexpr int kOk = 0;
inline constexpr int kBad = 1;          // bad input
inline constexpr int kWrite = 2;        // write error
inline constexpr int kSize = 4;         // message too big
inline constexpr int kContent = 8;      // content rejected
inline constexpr int kHops = 16;        // too many hops
inline constexpr int kRecipients = 64;  // no recipients
inline constexpr int kProxy = 128;
inline constexpr int kDefer = 256;
inline constexpr int kNoPermission = 512;
inline constexpr int kBareLf = 65536;
}  // namespace cleanup_status

}  // namespace mail::ipc
