#pragma once

#include <string>
#include <string_view>

#include "common/smtp/reply.h"
#include "smtpd/facts.h"
#include "smtpd/forwarded.h"

namespace mail::smtpd::log_lines {

/// The lines of smtpd(8) that analysers read; see pflogsumm, fail2ban.
std::string connect_from(const ClientFacts& client);
/// counts: "ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4".
std::string disconnect_from(const ClientFacts& client, std::string_view counts);
/// what: "lost connection", "timeout", "too many errors"; after: "DATA (42
/// bytes)".
std::string broken_off(std::string_view what, std::string_view after,
                       const ClientFacts& client);
std::string client_line(const Facts& facts,
                        const std::optional<Forwarded>& forwarded);
std::string sasl_failed(const ClientFacts& client, std::string_view mechanism,
                        std::string_view reason, std::string_view user);
std::string sasl_aborted(const ClientFacts& client, std::string_view mechanism);
std::string non_smtp_command(const ClientFacts& client, std::string_view text);
std::string improper_pipelining(const ClientFacts& client,
                                std::string_view after, std::string_view text);
std::string illegal_address(const ClientFacts& client, std::string_view command,
                            std::string_view text);
/// verb: "reject", "milter-reject", "milter-hold", ...
std::string action(const Facts& facts, std::string_view verb,
                   std::string_view text, bool external_form);

/// What the filter in front of the queue has said of a whole message.
std::string proxy_verdict(const Facts& facts, const smtp::Reply& reply,
                          bool external_form);

}  // namespace mail::smtpd::log_lines
