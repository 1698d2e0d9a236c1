#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/log/log.h"
#include "smtpd/session.h"

namespace mail::smtpd {

using filters::Verdict;
using smtp::Reply;

net::Task<> Session::open_filters() {
  auto configs = config_.milters;
  if (!config_.milter_maps.empty()) {
    auto found = co_await config_.milter_maps.find(facts_.client.address_text);
    if (found && *found) {
      configs.clear();
      if (!iequals(trim((*found)->value), "DISABLE")) {
        auto parsed =
            filters::parse_configs((*found)->value, config_.milter_defaults);
        if (parsed)
          configs = std::move(*parsed);
        else
          log::warning(parsed.error().what);
      }
    }
  }
  if (configs.empty()) co_return;
  filters_ = filters::Filters(std::move(configs), config_.milter_macros,
                              config_.milter_connector);
  const ClientFacts& client = facts_.client;
  std::string host = client.name == "unknown"
                         ? fmt::format("[{}]", client.address_text)
                         : client.name;
  std::optional<net::Endpoint> peer = net::Endpoint::peer_of(stream_.fd());
  if (peer->port == 0) {
    peer->path.clear();
    peer->address = client.address;
  }
  auto source = macros();
  auto verdict = co_await filters_.connect(host, peer, source);
  if (verdict.goes_on()) co_return;
  auto reply = obey(verdict);
  if (reply) filter_verdict_ = verdict;
}

/// What a filter has said, done; the reply, if it is one.
std::optional<Reply> Session::obey(const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::Continue:
      return std::nullopt;
    case Verdict::Kind::Hold:
      log_action("milter-hold", "milter triggers HOLD action");
      transaction_.effects.hold = true;
      session_effects_.hold = true;
      return std::nullopt;
    case Verdict::Kind::Discard:
      log_action("milter-discard", "milter triggers DISCARD action");
      transaction_.effects.discard = true;
      return std::nullopt;
    case Verdict::Kind::Reject:
    case Verdict::Kind::Shutdown:
      break;
  }
  std::string text = verdict.reply;
  if (config_.soft_bounce && text.starts_with('5')) {
    text[0] = '4';
    if (text.size() > 4 && text[4] == '5') text[4] = '4';
  }
  wrongs_ |= smtp::kNotifyPolicy;
  log_action("milter-reject", text);
  // Lines come parted by CR LF, each with its code.
  std::erase(text, '\r');
  Reply reply = smtp::parse_reply(text);
  if (reply.code == 0)
    reply = {451, "4.3.5",
             "Server configuration problem - "
             "try again later"};
  if (reply.code == 421 || verdict.kind == Verdict::Kind::Shutdown) {
    reply.hangup = true;
  }
  return reply;
}

/// {mail_addr} and its like: where mail for that address would go.
net::Task<> Session::learn_mailer(const std::string& address,
                                  const char* which) {
  std::string prefix(which);
  auto set = [&](const char* name, std::string value) {
    mailer_macros_[prefix + name] = std::move(value);
  };
  set("_addr", address);
  set("_host", "");
  set("_mailer", "");
  if (address.empty()) co_return;
  auto resolved =
      co_await config_.rewrite->resolve(facts_.sender.value_or(""), address);
  if (!resolved) co_return;
  set("_addr", resolved->recipient);
  set("_host", resolved->nexthop);
  set("_mailer", resolved->transport);
}

filters::MacroSource Session::macros() {
  return [this](std::string_view name) { return macro(name); };
}

std::optional<std::string> Session::macro(std::string_view name) const {
  const ClientFacts& client = facts_.client;
  if (name == "i") {
    if (facts_.queue_id.empty()) return std::nullopt;
    return facts_.queue_id;
  }
  if (name == "j") return config_.host;
  if (name == "v") return config_.milter_v;
  if (name == "daemon_name") return config_.milter_daemon_name;
  if (name == "daemon_addr") return client.server_address;
  if (name == "daemon_port") return client.server_port;
  if (name == "_") {
    std::string text =
        fmt::format("{} [{}]", client.reverse_name, client.address_text);
    if (!iequals(client.name, client.reverse_name)) text += " (may be forged)";
    return text;
  }
  if (name == "client_addr") return client.address_text;
  if (name == "client_name") return client.name;
  if (name == "client_port") return client.port;
  if (name == "client_ptr") return client.reverse_name;
  if (name == "client_resolve") {
    static constexpr const char* kNames[] = {"OK", "TEMP", "FORGED", "FAIL"};
    return kNames[static_cast<size_t>(client.name_status)];
  }
  if (facts_.tls) {
    if (name == "tls_version") return facts_.tls->protocol;
    if (name == "cipher") return facts_.tls->cipher;
    if (name == "cipher_bits") return fmt::to_string(facts_.tls->used_bits);
    if (name == "cert_subject" && facts_.tls->has_certificate) {
      return facts_.tls->peer_cn;
    }
    if (name == "cert_issuer" && facts_.tls->has_certificate) {
      return facts_.tls->issuer_cn;
    }
  }
  if (!facts_.sasl_method.empty()) {
    if (name == "auth_type") return facts_.sasl_method;
    if (name == "auth_authen") return facts_.sasl_username;
    if (name == "auth_author" && !facts_.sasl_sender.empty()) {
      return facts_.sasl_sender;
    }
  }
  auto known = mailer_macros_.find(std::string(name));
  if (known != mailer_macros_.end()) return known->second;
  for (const auto& [key, value] : config_.milter_default_macros) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace mail::smtpd
