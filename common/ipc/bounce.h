#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// private/bounce, private/defer, private/trace. Each reply is a Status.
inline constexpr char kBounceProtocol[] = "delivery_status_protocol";

namespace bounce_request {
inline constexpr int kAppend = 0;
inline constexpr int kFlush = 1;
inline constexpr int kWarn = 2;
inline constexpr int kVerp = 3;
inline constexpr int kOne = 4;
inline constexpr int kTrace = 5;
}  // namespace bounce_request
namespace bounce_flag {
inline constexpr int kClean = 1;   // remove the log on error
inline constexpr int kDelete = 2;  // cross recipients off when done
}  // namespace bounce_flag

struct BounceAppend {
  int nrequest = bounce_request::kAppend;
  int flags = 0;
  std::string queue_id;
  Recipient recipient;
  Dsn dsn;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("nrequest", m.nrequest));
    TRY(io("flags", m.flags));
    TRY(io("queue_id", m.queue_id));
    TRY(Recipient::fields(io, m.recipient));
    return Dsn::fields(io, m.dsn);
  }
};

/// kFlush, kWarn, kTrace; with verp_delimiters kVerp; with recipient and dsn
/// kOne (nrequest decides).
struct BounceSend {
  int nrequest = bounce_request::kFlush;
  int flags = 0;
  std::string queue_name, queue_id, encoding;
  int smtputf8 = 0;
  std::string sender, envelope_id;
  int ret_flags = 0;
  std::string verp_delimiters;
  Recipient recipient;
  Dsn dsn;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("nrequest", m.nrequest));
    TRY(io("flags", m.flags));
    TRY(io("queue_name", m.queue_name));
    TRY(io("queue_id", m.queue_id));
    TRY(io("encoding", m.encoding));
    TRY(io("smtputf8", m.smtputf8));
    TRY(io("sender", m.sender));
    TRY(io("envelope_id", m.envelope_id));
    TRY(io("ret_flags", m.ret_flags));
    if (m.nrequest == bounce_request::kVerp) {
      TRY(io("verp_delimiters", m.verp_delimiters));
    }
    if (m.nrequest == bounce_request::kOne) {
      TRY(Recipient::fields(io, m.recipient));
      TRY(Dsn::fields(io, m.dsn));
    }
    return {};
  }
};

}  // namespace mail::ipc
