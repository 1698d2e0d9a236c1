// Delivery: XFORWARD, who the client was, for a content filter's log.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "delivery/smtp/delivery.h"

namespace mail::smtpc {

using smtp::Stage;

namespace {

/// xtext (RFC 3461, 4).
std::string xtext(std::string_view value) {
  std::string out;
  for (char c : value) {
    auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 127 || c == '+') {
      out += fmt::format("+{:02X}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

/// " NAME=value", if the server takes it and it is known.
void add(std::string& line, const smtp::Capabilities& can,
         std::string_view name, std::string_view value) {
  if (value.empty() || iequals(value, "unknown")) return;
  if (!can.has_xforward(name)) return;
  if (!line.empty()) line += ' ';
  line += fmt::format("{}={}", name, xtext(value));
}

}  // namespace

net::Task<Session::Outcome> Delivery::forward_client(Session& session) {
  auto& engine = session.engine();
  const auto& can = engine.capabilities();
  if (!config_.send_xforward || !can.has(smtp::kXforward)) {
    co_return std::nullopt;
  }
  std::string who, how;
  add(who, can, "NAME", request_.client_name);
  add(who, can, "ADDR", request_.client_address);
  add(who, can, "PORT", request_.client_port);
  add(how, can, "PROTO", request_.protocol_name);
  add(how, can, "HELO", request_.helo_name);
  add(how, can, "IDENT", request_.log_ident);
  bool local = request_.rewrite_context == "local";
  add(how, can, "SOURCE", local ? "LOCAL" : "REMOTE");
  if (!who.empty()) engine.xforward(Stage::XforwardName, who);
  if (!how.empty() && can.has(smtp::kPipelining)) {
    engine.xforward(Stage::XforwardHelo, how);
    how.clear();
  }
  while (engine.outstanding() > 0 || !how.empty()) {
    if (engine.outstanding() == 0) {
      engine.xforward(Stage::XforwardHelo, std::exchange(how, {}));
    }
    auto answer = co_await session.reply(config_.xforward_timeout);
    if (answer.broken) co_return answer.broken;
    if (answer.reply.reply.code / 100 == 2) continue;
    // The message goes all the same.
    log::warning(fmt::format(
        "host {} said: {} (in reply to {})", session.server().relay(),
        answer.reply.reply.joined(), smtp::command_name(answer.reply.stage)));
  }
  co_return std::nullopt;
}

}  // namespace mail::smtpc
