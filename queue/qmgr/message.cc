#include "queue/qmgr/message.h"

#include "common/queue/spool.h"

namespace mail::qmgr {

ipc::DeliveryRequest request_of(const Message& message,
                                const std::string& nexthop, int flags) {
  const auto& e = message.envelope();
  ipc::DeliveryRequest r;
  r.flags = flags | e.trace_flags;
  r.queue_name = queue::kActive;
  r.queue_id = message.id;
  r.data_offset = static_cast<long>(e.content_offset);
  r.data_size = e.sizes ? e.sizes->content_size : 0;
  if (e.sizes && e.sizes->content_offset > 0) {
    r.data_offset = e.sizes->content_offset;
  }
  r.nexthop = nexthop;
  r.encoding = e.encoding;
  r.smtputf8 = e.sizes ? static_cast<int>(e.sizes->smtputf8) : 0;
  r.sender = message.sender();
  r.envelope_id = e.envelope_id;
  r.ret_flags = e.ret_flags;
  r.time.bytes = queue::encode_stats(message.stats);
  r.client_name = e.client_name;
  r.client_address = e.client_address;
  r.client_port = e.client_port;
  r.protocol_name = e.protocol_name;
  r.helo_name = e.helo_name;
  r.sasl_method = e.sasl_method;
  r.sasl_username = e.sasl_username;
  r.sasl_sender = e.sasl_sender;
  r.log_ident = e.log_ident;
  r.rewrite_context = e.rewrite_context.empty() ? "local" : e.rewrite_context;
  return r;
}

}  // namespace mail::qmgr
