#include "tests/fuzz/reencode.h"

/// The first byte chooses the form.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace ipc = mail::ipc;
  Input in(data, size);
  ipc::Form form = in.byte() % 2 ? ipc::Form::Plain : ipc::Form::Nul;
  size_t length = ipc::message_size(in.rest(), form);
  must(length <= in.rest().size());
  std::string_view message = in.rest().substr(0, length);
  if (length == 0) return 0;
  again<ipc::DeliveryRequest>(message, form);
  again<ipc::DeliveryReply>(message, form);
  again<ipc::Recipient>(message, form);
  again<ipc::MilterHandover>(message, form);
  again<ipc::ShowqMessage>(message, form);
  again<ipc::ResolveReply>(message, form);
  again<ipc::BounceSend>(message, form);
  return 0;
}
