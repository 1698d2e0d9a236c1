#include "queue/bounce/notice.h"

#include <fmt/format.h>

#include <iterator>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "common/mime/address.h"

namespace mail::bounce {

namespace {

constexpr size_t kWidth = 79;
constexpr std::string_view kIndent = "    ";

template <class... Args>
void line(std::string& out, fmt::format_string<Args...> format,
          Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
  out += '\n';
}

bool is_8bit(const Notice& n) { return n.encoding == "8bit"; }

void header(std::string& out, const Notice& n) {
  auto date = mime::format_date(n.now, n.zone);
  line(out, "Received: by {} ({})\n\tid {}; {}", n.host, n.mail_name, n.id,
       date);
  line(out, "Date: {}", date);
  line(out, "From: {}", n.from);
  line(out, "Subject: {}", n.subject);
  line(out, "To: {}", mime::quote_local(n.to));
  if (!n.thread_id.empty()) {
    line(out, "References: {0}\nIn-Reply-To: {0}", n.thread_id);
  }
  line(out, "Auto-Submitted: auto-{}", n.postmaster ? "generated" : "replied");
  line(out, "MIME-Version: 1.0");
  line(out,
       "Content-Type: multipart/report; report-type=delivery-status;\n"
       "\tboundary=\"{}\"",
       n.boundary);
  if (!n.encoding.empty()) {
    line(out, "Content-Transfer-Encoding: {}", n.encoding);
  }
  out += "\nThis is a MIME-encapsulated message.\n";
}

void part(std::string& out, const Notice& n, std::string_view description,
          std::string_view type, bool eight) {
  line(out, "\n--{}", n.boundary);
  line(out, "Content-Description: {}", description);
  line(out, "Content-Type: {}", type);
  if (eight) line(out, "Content-Transfer-Encoding: 8bit");
  out += '\n';
}

void people(std::string& out, const Notice& n) {
  part(out, n, "Notification", "text/plain; charset=" + n.charset,
       !iequals(n.charset, "us-ascii"));
  out += n.text;
  for (const auto& entry : n.recipients) {
    const auto& rcpt = entry.recipient;
    bool expanded = !rcpt.original_recipient.empty() &&
                    !iequals(rcpt.original_recipient, rcpt.recipient);
    out += '\n';
    append_wrapped(
        out,
        fmt::format(
            "<{}>{}: {}", mime::quote_local(rcpt.recipient),
            expanded ? fmt::format(" (expanded from <{}>)",
                                   mime::quote_local(rcpt.original_recipient))
                     : "",
            entry.dsn.reason));
  }
}

std::string_view address_type(const Notice& n, std::string_view address) {
  return n.utf8 && !is_ascii(address) ? "utf-8" : "rfc822";
}

/// "X-" and mail_name, whose special characters may not stand in an atom.
std::string private_type(std::string_view mail_name) {
  std::string name(mail_name);
  for (char& c : name) {
    bool special =
        c <= ' ' || c == 127 ||
        std::string_view("()<>@,;:\\\".[]").find(c) != std::string_view::npos;
    if (special) c = '-';
  }
  return "X-" + name;
}

void report_recipient(std::string& out, const Notice& n,
                      const queue::LogEntry& entry) {
  const auto& [rcpt, dsn] = entry;
  auto address = mime::quote_local(rcpt.recipient);
  line(out, "\nFinal-Recipient: {}; {}", address_type(n, address), address);
  if (!rcpt.dsn_orig_rcpt.empty()) {
    line(out, "Original-Recipient: {}", rcpt.dsn_orig_rcpt);
  } else if (!rcpt.original_recipient.empty()) {
    auto original = mime::quote_local(rcpt.original_recipient);
    line(out, "Original-Recipient: {}; {}", address_type(n, original),
         original);
  }
  line(out, "Action: {}",
       n.kind == Kind::Failure ? std::string_view("failed")
                               : std::string_view(dsn.action));
  line(out, "Status: {}", dsn.status);
  if (!dsn.mta_type.empty() && !dsn.mta_mname.empty()) {
    line(out, "Remote-MTA: {}; {}", dsn.mta_type, dsn.mta_mname);
  }
  bool said = !dsn.diag_type.empty() && !dsn.diag_text.empty();
  append_wrapped(out,
                 fmt::format("Diagnostic-Code: {}; {}",
                             said ? dsn.diag_type : private_type(n.mail_name),
                             said ? dsn.diag_text : dsn.reason));
  if (n.kind == Kind::Delay) {
    line(out, "Will-Retry-Until: {}", mime::format_date(n.retry_until, n.zone));
  }
}

void report(std::string& out, const Notice& n) {
  part(out, n, "Delivery report",
       n.utf8 ? "message/global-delivery-status" : "message/delivery-status",
       n.utf8);
  line(out, "Reporting-MTA: dns; {}", n.host);
  if (!n.envelope_id.empty()) {
    line(out, "Original-Envelope-Id: {}", n.envelope_id);
  }
  line(out, "{}-Queue-ID: {}", private_type(n.mail_name), n.original_id);
  if (!n.sender.empty()) {
    auto sender = mime::quote_local(n.sender);
    line(out, "{}-Sender: {}; {}", private_type(n.mail_name),
         address_type(n, sender), sender);
  }
  line(out, "Arrival-Date: {}", mime::format_date(n.arrival, n.zone));
  for (const auto& entry : n.recipients) report_recipient(out, n, entry);
}

}  // namespace

void append_wrapped(std::string& out, std::string_view text) {
  size_t width = kWidth;
  while (true) {
    text = trim_right(text);
    size_t cut = text.size();
    if (cut > width) {
      cut = text.rfind(' ', width);
      if (cut == std::string_view::npos || cut == 0) cut = text.find(' ', 1);
      cut = std::min(cut, text.size());
    }
    out += trim_right(text.substr(0, cut));
    out += '\n';
    text = trim_left(text.substr(cut));
    if (text.empty()) return;
    out += kIndent;
    width = kWidth - kIndent.size();
  }
}

std::string format_head(const Notice& n) {
  std::string out;
  header(out, n);
  people(out, n);
  report(out, n);
  std::string description =
      n.kind == Kind::Trace ? "Message" : "Undelivered Message";
  if (n.headers_only) description += " Headers";
  std::string_view type =
      n.headers_only
          ? (n.utf8 ? "message/global-headers" : "text/rfc822-headers")
          : (n.utf8 ? "message/global" : "message/rfc822");
  part(out, n, description, type, is_8bit(n));
  line(out, "Return-Path: <{}>", mime::quote_local(n.sender));
  return out;
}

std::string format_tail(const Notice& n) {
  return fmt::format("\n--{}--\n", n.boundary);
}

}  // namespace mail::bounce
