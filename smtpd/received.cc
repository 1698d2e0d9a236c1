#include <fmt/format.h>

#include <ctime>

#include "common/mime/date.h"
#include "common/net/address.h"
#include "smtpd/transaction.h"

namespace mail::smtpd {

namespace {

/// "ESMTPSA", "UTF8SMTPS", "SMTP" (RFC 3848, 6531).
std::string with_protocol(const Facts& facts, bool smtputf8) {
  std::string out = smtputf8 ? "UTF8SMTP" : facts.protocol;
  if (out == "SMTP") return out;
  if (facts.tls) out += 'S';
  if (!facts.sasl_method.empty()) out += 'A';
  return out;
}

std::string literal(const ClientFacts& client) {
  return client.address.is_v6() ? "IPv6:" + client.address_text
                                : client.address_text;
}

}  // namespace

std::string received_header(const Config& config, const Facts& facts,
                            const Transaction& transaction) {
  const ClientFacts& client = facts.client;
  std::string out = fmt::format("Received: from {} ({} [{}])",
                                facts.helo.value_or(client.name), client.name,
                                literal(client));
  if (facts.tls && config.tls_received_header) {
    for (const auto& line : tls::received_lines(*facts.tls)) {
      out += "\n" + line;
    }
  }
  if (!facts.sasl_username.empty() && config.sasl_header) {
    out += fmt::format("\n\t(Authenticated sender: {})", facts.sasl_username);
  }
  time_t now = time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  std::string date = mime::format_date(
      now, {static_cast<int>(local.tm_gmtoff), local.tm_zone});
  std::string by =
      fmt::format("\n\tby {} ({}) with {}", config.host, config.mail_name,
                  with_protocol(facts, transaction.mail.smtputf8));
  // Without one it goes through a filter in front of the queue.
  if (!facts.queue_id.empty()) by += " id " + facts.queue_id;
  if (transaction.accepted == 1 && transaction.effects.bcc.empty()) {
    return out + by +
           fmt::format("\n\tfor <{}>; {}", transaction.first_recipient, date);
  }
  return out + by + ";\n\t" + date;
}

}  // namespace mail::smtpd
