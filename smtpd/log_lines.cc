#include "smtpd/log_lines.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/mime/address.h"

namespace mail::smtpd::log_lines {

std::string connect_from(const ClientFacts& client) {
  return "connect from " + client.name_addr;
}

std::string disconnect_from(const ClientFacts& client,
                            std::string_view counts) {
  return fmt::format("disconnect from {} {}", client.name_addr, counts);
}

std::string broken_off(std::string_view what, std::string_view after,
                       const ClientFacts& client) {
  return fmt::format("{} after {} from {}", what, after, client.name_addr);
}

std::string client_line(const Facts& facts,
                        const std::optional<Forwarded>& forwarded) {
  std::string line = fmt::format(
      "{}: client={}", facts.queue_id.empty() ? "NOQUEUE" : facts.queue_id,
      facts.client.name_addr);
  if (!facts.sasl_method.empty()) {
    line += fmt::format(", sasl_method={}, sasl_username={}", facts.sasl_method,
                        facts.sasl_username);
  }
  if (!facts.sasl_sender.empty()) {
    line += ", sasl_sender=" + facts.sasl_sender;
  }
  if (!forwarded) return line;
  if (!forwarded->ident.empty()) line += ", orig_queue_id=" + forwarded->ident;
  line += ", orig_client=" + forwarded->name_addr();
  return line;
}

std::string sasl_failed(const ClientFacts& client, std::string_view mechanism,
                        std::string_view reason, std::string_view user) {
  return fmt::format("{}: SASL {} authentication failed: {}, sasl_username={}",
                     client.name_addr, mechanism, reason,
                     user.empty() ? "(unavailable)" : user);
}

std::string sasl_aborted(const ClientFacts& client,
                         std::string_view mechanism) {
  return fmt::format("{}: SASL {} authentication aborted", client.name_addr,
                     mechanism);
}

std::string non_smtp_command(const ClientFacts& client, std::string_view text) {
  return fmt::format("non-SMTP command from {}: {}", client.name_addr,
                     text.substr(0, 100));
}

namespace {
/// As in C's string literals; what is not ASCII in octal.
std::string escaped(std::string_view text) {
  constexpr std::string_view kControls = "\a\b\t\n\v\f\r";
  std::string out;
  for (char c : text) {
    if (is_print(c) && c != '\\') {
      out += c;
    } else if (c == '\\') {
      out += "\\\\";
    } else if (size_t at = kControls.find(c); at != kControls.npos) {
      out += '\\';
      out += "abtnvfr"[at];
    } else {
      out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return out;
}
}  // namespace

std::string improper_pipelining(const ClientFacts& client,
                                std::string_view after, std::string_view text) {
  return fmt::format("improper command pipelining after {} from {}: {}", after,
                     client.name_addr, escaped(text.substr(0, 100)));
}

std::string illegal_address(const ClientFacts& client, std::string_view command,
                            std::string_view text) {
  return fmt::format("Illegal address syntax from {} in {} command: {}",
                     client.name_addr, command, text.substr(0, 200));
}

namespace {
/// " from=<> to=<> proto= helo=<>", what is known of it.
std::string envelope(const Facts& facts, bool external_form) {
  auto shown = [&](const std::string& address) {
    return external_form ? mime::quote_local(address) : address;
  };
  std::string out;
  if (facts.sender) out += fmt::format(" from=<{}>", shown(*facts.sender));
  if (facts.recipient) {
    out += fmt::format(" to=<{}>", shown(*facts.recipient));
  }
  out += " proto=" + facts.protocol;
  if (facts.helo) out += fmt::format(" helo=<{}>", *facts.helo);
  return out;
}
}  // namespace

std::string action(const Facts& facts, std::string_view verb,
                   std::string_view text, bool external_form) {
  return fmt::format("{}: {}: {} from {}: {};{}",
                     facts.queue_id.empty() ? "NOQUEUE" : facts.queue_id, verb,
                     facts.command, facts.client.name_addr, text.substr(0, 510),
                     envelope(facts, external_form));
}

std::string proxy_verdict(const Facts& facts, const smtp::Reply& reply,
                          bool external_form) {
  return fmt::format("proxy-{}: {}: {};{}",
                     reply.code / 100 == 2 ? "accept" : "reject", facts.command,
                     reply.line(), envelope(facts, external_form));
}

}  // namespace mail::smtpd::log_lines
