#include <fmt/core.h>

#include "common/base/number.h"
#include "common/queuefile/envelope.h"

namespace mail::queuefile {
namespace {

struct Text {
  std::string_view name;
  std::string Envelope::* member;
};

constexpr Text kTexts[] = {
    {"encoding", &Envelope::encoding},
    {"log_ident", &Envelope::log_ident},
    {"rewrite_context", &Envelope::rewrite_context},
    {"log_client_name", &Envelope::log_client_name},
    {"log_client_address", &Envelope::log_client_address},
    {"log_client_port", &Envelope::log_client_port},
    {"log_message_origin", &Envelope::log_message_origin},
    {"log_helo_name", &Envelope::log_helo_name},
    {"log_protocol_name", &Envelope::log_protocol_name},
    {"client_name", &Envelope::client_name},
    {"reverse_client_name", &Envelope::reverse_client_name},
    {"client_address", &Envelope::client_address},
    {"client_port", &Envelope::client_port},
    {"server_address", &Envelope::server_address},
    {"server_port", &Envelope::server_port},
    {"helo_name", &Envelope::helo_name},
    {"protocol_name", &Envelope::protocol_name},
    {"client_address_type", &Envelope::client_address_type},
    {"sasl_method", &Envelope::sasl_method},
    {"sasl_username", &Envelope::sasl_username},
    {"sasl_sender", &Envelope::sasl_sender},
    {"envelope_id", &Envelope::envelope_id},
};

template <class T>
Result<bool> set_number(T& member, std::string_view name,
                        std::string_view value) {
  auto number = parse_number<T>(value);
  if (!number) {
    return fail(Fault::Protocol, fmt::format("bad attribute {}", name));
  }
  member = *number;
  return true;
}

}  // namespace

Result<bool> set_attribute(Envelope& envelope, std::string_view name,
                           std::string_view value) {
  for (const Text& text : kTexts) {
    if (text.name != name) continue;
    envelope.*text.member = value;
    return true;
  }
  if (name == "create_time") {
    return set_number(envelope.create_time, name, value);
  }
  if (name == "ret_flags") return set_number(envelope.ret_flags, name, value);
  if (name == "trace_flags") {
    return set_number(envelope.trace_flags, name, value);
  }
  return false;
}

}  // namespace mail::queuefile
