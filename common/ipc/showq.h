#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// public/showq: after the greeting the server sends a ShowqMessage for each
/// message, and an empty message (one NUL) at the end. Nothing is asked.
inline constexpr char kShowqProtocol[] = "mail_queue_list_protocol";

struct ShowqRecipient {
  std::string recipient, reason;  ///< reason: empty if none is known
};
struct ShowqMessage {
  std::string queue_name, queue_id;
  long time = 0;  ///< arrival, seconds
  long size = 0;  ///< bytes
  int forced_expire = 0;
  std::string sender;  ///< quoted, printable; MAILER-DAEMON when empty
  std::vector<ShowqRecipient> recipients;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("queue_name", m.queue_name));
    TRY(io("queue_id", m.queue_id));
    TRY(io("time", m.time));
    TRY(io("size", m.size));
    TRY(io("forced_expire", m.forced_expire));
    TRY(io("sender", m.sender));
    if constexpr (Io::kReads) {
      while (io.more()) {
        m.recipients.emplace_back();
        TRY(io("recipient", m.recipients.back().recipient));
        TRY(io("reason", m.recipients.back().reason));
      }
    } else {
      for (auto& r : m.recipients) {
        TRY(io("recipient", r.recipient));
        TRY(io("reason", r.reason));
      }
    }
    return {};
  }
};

}  // namespace mail::ipc
