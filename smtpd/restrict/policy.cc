// check_policy_service (SMTPD_POLICY_README).
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "smtpd/restrict/kinds.h"

namespace mail::smtpd::restriction {

namespace param = config::param;

namespace {

// xtext (RFC 3461, 4): names in certificates may hold anything.
std::string xtext(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (is_print(c) && c != '+' && c != '=' && c != ' ') {
      out += c;
    } else {
      out += fmt::format("+{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

class Writer {
 public:
  void add(std::string_view name, std::string_view value) {
    out_ += name;
    out_ += '=';
    for (char c : value) out_ += c == '\n' || c == '\0' ? '?' : c;
    out_ += '\n';
  }
  void add(std::string_view name, uint64_t value) {
    add(name, std::string_view(fmt::format_int(value).c_str()));
  }
  std::string take() { return std::move(out_) + "\n"; }

 private:
  std::string out_;
};

void add_tls(Writer& out, const tls::Summary* tls) {
  bool trusted = tls && tls->trust >= tls::Trust::Trusted;
  out.add("ccert_subject", trusted ? xtext(tls->peer_cn) : "");
  out.add("ccert_issuer", trusted ? xtext(tls->issuer_cn) : "");
  out.add("ccert_fingerprint", tls ? tls->certificate_fingerprint : "");
  out.add("ccert_pubkey_fingerprint", tls ? tls->key_fingerprint : "");
  out.add("encryption_protocol", tls ? tls->protocol : "");
  out.add("encryption_cipher", tls ? tls->cipher : "");
  out.add("encryption_keysize",
          static_cast<uint64_t>(tls ? tls->used_bits : 0));
}

std::string request_for(const Run& run, const PolicyClient& policy) {
  const Facts& facts = run.facts;
  const auto& client = facts.client;
  // Recipients are counted, and no longer named, once all are known.
  bool after = run.stage == Stage::Data || run.stage == Stage::EndOfData;
  Writer out;
  out.add("request", "smtpd_access_policy");
  out.add("protocol_state", facts.command == "BDAT" ? "DATA" : facts.command);
  out.add("protocol_name", facts.protocol);
  out.add("client_address", client.address_text);
  out.add("client_name", client.name);
  out.add("client_port", client.port);
  out.add("reverse_client_name", client.reverse_name);
  out.add("server_address", client.server_address);
  out.add("server_port", client.server_port);
  out.add("helo_name", facts.helo.value_or(""));
  out.add("sender", facts.sender.value_or(""));
  out.add("recipient", facts.recipient.value_or(""));
  out.add("recipient_count", after ? facts.recipient_count : 0);
  out.add("queue_id", facts.queue_id);
  out.add("instance", facts.instance);
  out.add("size", static_cast<uint64_t>(facts.size));
  out.add("etrn_domain", facts.etrn_domain);
  out.add("stress", run.site.settings.get(param::stress));
  out.add("sasl_method", facts.sasl_method);
  out.add("sasl_username", facts.sasl_username);
  out.add("sasl_sender", facts.sasl_sender);
  add_tls(out, facts.tls);
  out.add("policy_context", policy.options().context);
  return out.take();
}

net::Task<Outcome> ask_policy(Run& run, const Item& item) {
  std::string action =
      co_await item.policy->ask(request_for(run, *item.policy));
  Outcome out =
      co_await apply_action(run, item.policy->options().endpoint,
                            "policy query", std::move(action), run.subject);
  co_return out;
}

constexpr Kind kPolicyKinds[] = {
    {.name = "check_policy_service",
     .argument = Argument::Policy,
     .later = ask_policy},
};

}  // namespace

std::span<const Kind> policy_kinds() { return kPolicyKinds; }

}  // namespace mail::smtpd::restriction
