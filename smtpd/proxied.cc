// Session: mail that passes a content filter in front of the queue
// (smtpd_proxy_filter). What the filter says is what the client hears.
#include <fmt/format.h>

#include "common/log/log.h"
#include "common/mime/codec.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"

namespace mail::smtpd {

using smtp::Reply;

/// Who the client is, for the log behind the filter.
std::vector<std::string> Session::xforward_attributes() const {
  std::vector<std::string> out;
  auto add = [&](std::string_view name, const std::string& value) {
    bool known = !value.empty() && value != "unknown";
    out.push_back(fmt::format(
        "{}={}", name, known ? mime::encode_xtext(value) : "[UNAVAILABLE]"));
  };
  const ClientFacts& client = facts_.client;
  Forwarded shown = forwarded_.value_or(Forwarded{});
  if (!forwarded_) {
    shown.name = client.name;
    shown.address = client.address_text;
    shown.port = client.port;
    shown.protocol = facts_.protocol;
    shown.helo = facts_.helo.value_or("");
  }
  add("NAME", shown.name);
  add("ADDR", shown.address);
  add("PORT", shown.port);
  add("HELO", shown.helo);
  add("IDENT", shown.ident);
  add("PROTO", shown.protocol);
  add("SOURCE", transaction_.local_client ? "LOCAL" : "REMOTE");
  return out;
}

/// The filter is told of the message. nullopt: it is willing.
net::Task<std::optional<Reply>> Session::open_proxy() {
  proxy_.emplace(config_);
  auto reply = co_await proxy_->open(xforward_attributes(), mail_line_);
  if (reply.code / 100 == 2) {
    log::info(log_lines::client_line(facts_, forwarded_));
    co_return std::nullopt;
  }
  co_await proxy_->quit();
  proxy_.reset();
  co_return proxied(std::move(reply));
}

/// The filter's answer, as ours.
Reply Session::proxied(Reply reply) {
  if (reply.code == 421) reply.hangup = true;
  if (reply.code >= 400) wrongs_ |= smtp::kNotifyPolicy;
  return reply;
}

net::Task<Reply> Session::proxy_recipient() {
  auto reply = co_await proxy_->recipient(engine_.line());
  co_return proxied(std::move(reply));
}

net::Task<Reply> Session::proxy_data() {
  auto reply = co_await proxy_->data();
  if (reply.code / 100 != 3) co_return proxied(std::move(reply));
  for (const auto& header : transaction_.effects.prepend) {
    proxy_->add_header(header);
  }
  proxy_->add_header(received_header(config_, facts_, transaction_));
  co_return Reply(354, "", "End data with <CR><LF>.<CR><LF>");
}

net::Task<Reply> Session::proxy_finish() {
  auto reply = co_await proxy_->finish();
  facts_.recipient = transaction_.first_recipient;
  log::info(log_lines::proxy_verdict(facts_, reply, config_.external_form));
  co_return proxied(std::move(reply));
}

}  // namespace mail::smtpd
