#pragma once

#include "common/ipc/groups.h"

namespace mail::ipc {

/// private/TRANSPORT: qmgr (client) to a delivery agent (server). The server
/// greets; the client sends a DeliveryRequest, then recipient_count messages
/// of one Recipient each; the server answers with a DeliveryReply and waits
/// until the client closes.
inline constexpr char kDeliveryProtocol[] = "delivery_request_protocol";

namespace delivery_flag {
inline constexpr int kSuccess = 1;  // delete the file if all is delivered
inline constexpr int kBounce = 2;   // bounce at once
inline constexpr int kMtaVerify = 256;
inline constexpr int kUserVerify = 512;
inline constexpr int kRecord = 1024;  // record the delivery (trace)
inline constexpr int kConnLoad = 2048;
inline constexpr int kConnStore = 4096;
inline constexpr int kDelayCleared = 8192;
}  // namespace delivery_flag

struct DeliveryRequest {
  int flags = 0;
  std::string queue_name, queue_id;
  long data_offset = 0, data_size = 0;
  std::string nexthop, encoding;
  int smtputf8 = 0;
  std::string sender, envelope_id;
  int ret_flags = 0;
  Blob time;  ///< MSG_STATS, 88 bytes
  std::string client_name, client_address, client_port, protocol_name,
      helo_name;
  std::string sasl_method, sasl_username, sasl_sender;
  std::string log_ident, rewrite_context;
  int recipient_count = 0;
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(io("flags", m.flags));
    TRY(io("queue_name", m.queue_name));
    TRY(io("queue_id", m.queue_id));
    TRY(io("offset", m.data_offset));
    TRY(io("size", m.data_size));
    TRY(io("nexthop", m.nexthop));
    TRY(io("encoding", m.encoding));
    TRY(io("smtputf8", m.smtputf8));
    TRY(io("sender", m.sender));
    TRY(io("envelope_id", m.envelope_id));
    TRY(io("ret_flags", m.ret_flags));
    TRY(io("time", m.time));
    TRY(io("log_client_name", m.client_name));
    TRY(io("log_client_address", m.client_address));
    TRY(io("log_client_port", m.client_port));
    TRY(io("log_protocol_name", m.protocol_name));
    TRY(io("log_helo_name", m.helo_name));
    TRY(io("sasl_method", m.sasl_method));
    TRY(io("sasl_username", m.sasl_username));
    TRY(io("sasl_sender", m.sasl_sender));
    TRY(io("log_ident", m.log_ident));
    TRY(io("rewrite_context", m.rewrite_context));
    return io("recipient_count", m.recipient_count);
  }
};

struct DeliveryReply {
  Dsn dsn;         ///< of the hop; a status throttles the destination
  int status = 0;  ///< 0: all recipients done; -1: some are deferred
  template <class Io, class Self>
  static Result<> fields(Io& io, Self& m) {
    TRY(Dsn::fields(io, m.dsn));
    return io("status", m.status);
  }
};

}  // namespace mail::ipc
