#include "lmtp/dovecot-lda/rejection.h"

#include <fmt/format.h>

#include "common/config/dovecot/expand_variables.h"
#include "common/mime/date.h"

namespace mail::lda {

namespace setting = config::dovecot::setting;

Result<std::string> rejection_text(const Rejection& r,
                                   const config::dovecot::Settings& settings) {
  auto at = r.recipient.find('@');
  std::string domain =
      at == std::string::npos ? "" : r.recipient.substr(at + 1);
  config::dovecot::Variables variables;
  variables.list = {{'n', "crlf", "\n"},
                    {'r', "reason", r.reason},
                    {'s', "subject", r.subject},
                    {'t', "to", r.recipient},
                    {'d', "domain", domain}};
  auto expand = [&](const std::string& text) {
    return config::dovecot::expand_variables_strictly(text, variables);
  };
  auto postmaster = TRY(expand(settings.get(setting::postmaster_address)));
  auto subject = TRY(expand(settings.get(setting::rejection_subject)));
  auto reason = TRY(expand(settings.get(setting::rejection_reason)));
  auto boundary = fmt::format("{}/{}", r.pid, r.hostname);
  std::string out = fmt::format(
      "Message-ID: <dovecot-{}-{}-0@{}>\n"
      "Date: {}\n"
      "From: Postmaster <{}>\n"
      "To: <{}>\n"
      "MIME-Version: 1.0\n"
      "Content-Type: multipart/report; report-type=delivery-status;\n"
      "\tboundary=\"{}\"\n"
      "Subject: {}\n"
      "Auto-Submitted: auto-replied (rejected)\n"
      "Precedence: bulk\n"
      "\n"
      "This is a MIME-encapsulated message\n\n",
      r.seconds, r.microseconds, r.hostname,
      mime::format_date(r.seconds, mime::Zone{0, ""}), postmaster, r.sender,
      boundary, subject);
  out += fmt::format(
      "--{}\nContent-Type: text/plain; charset=utf-8\n"
      "Content-Disposition: inline\nContent-Transfer-Encoding: 8bit\n\n{}\n",
      boundary, reason);
  out += fmt::format(
      "--{}\nContent-Type: message/delivery-status\n\n"
      "Reporting-MTA: dns; {}\n"
      "Original-Recipient: rfc822; {}\n"
      "Final-Recipient: rfc822; {}\n"
      "Action: failed\nStatus: {}\n\n",
      boundary, r.hostname, r.recipient, r.recipient, r.status);
  out += fmt::format("--{}\nContent-Type: message/rfc822\n\n{}\n\n--{}--\n",
                     boundary, r.header, boundary);
  return out;
}

}  // namespace mail::lda
