#pragma once

#include "common/ipc/attributes.h"

namespace mail::ipc {

/// Attribute groups that several conversations share (Postfix 3.7).

/// A recipient as the queue manager and the agents name it. offset: of its
/// record in the queue file, 0 if it has none.
struct Recipient {
  std::string original_recipient, recipient;
  long offset = 0;
  std::string dsn_orig_rcpt;  ///< "rfc822;a@b", may be empty
  int notify_flags = 0;       ///< 1 never, 2 success, 4 failure, 8 delay
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("original_recipient", m.original_recipient));
    TRY(io("recipient", m.recipient));
    TRY(io("offset", m.offset));
    TRY(io("dsn_orig_rcpt", m.dsn_orig_rcpt));
    return io("notify_flags", m.notify_flags);
  }
};

/// A delivery status (RFC 3464). All empty: none.
struct Dsn {
  std::string status;                ///< "4.4.1"
  std::string diag_type, diag_text;  ///< "smtp", the peer's reply
  std::string mta_type, mta_mname;   ///< "dns", the peer's name
  std::string action;                ///< "failed", ...; empty: by status
  std::string reason;                ///< text for people, no newline
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    TRY(io("diag_type", m.diag_type));
    TRY(io("diag_text", m.diag_text));
    TRY(io("mta_type", m.mta_type));
    TRY(io("mta_mname", m.mta_mname));
    TRY(io("action", m.action));
    return io("reason", m.reason);
  }
};

/// The reply of many services: 0 is good.
struct Status {
  int status = 0;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    return io("status", m.status);
  }
};

struct StatusReason {
  int status = 0;
  std::string reason;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("status", m.status));
    return io("reason", m.reason);
  }
};

}  // namespace mail::ipc
