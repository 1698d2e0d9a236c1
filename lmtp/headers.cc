#include "lmtp/headers.h"

#include <fmt/format.h>

#include <ctime>

#include "common/base/ascii.h"

namespace mail::lmtp {
namespace {

/// "Tue, 24 Nov 2026 03:26:24 +0000"
std::string date_text(WallTime now) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed",
                                   "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t seconds = WallClock::to_time_t(now);
  tm t{};
  localtime_r(&seconds, &t);
  long minutes = t.tm_gmtoff / 60;
  char sign = minutes < 0 ? '-' : '+';
  minutes = minutes < 0 ? -minutes : minutes;
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} {}{:02}{:02}",
                     kDays[t.tm_wday], t.tm_mday, kMonths[t.tm_mon],
                     t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec, sign,
                     minutes / 60, minutes % 60);
}

/// A field's value, folded lines joined, without line ends.
std::string unfold(std::string_view& header, std::string_view line) {
  std::string value(line);
  while (!header.empty() && (header[0] == ' ' || header[0] == '\t')) {
    auto next = header.substr(0, header.find('\n'));
    header.remove_prefix(std::min(next.size() + 1, header.size()));
    if (next.ends_with('\r')) next.remove_suffix(1);
    value += next;
  }
  return std::string(trim(value));
}

}  // namespace

std::string trace_headers(const Trace& t) {
  std::string out = fmt::format("Return-Path: <{}>\n", t.sender);
  if (!t.delivered_to.empty()) {
    out += fmt::format("Delivered-To: {}\n", t.delivered_to);
  }
  if (!t.received) return out;
  out += fmt::format("Received: from {}", t.helo);
  if (!t.remote_ip.empty()) out += fmt::format(" ([{}])", t.remote_ip);
  out += fmt::format("\n\tby {} with {}\n", t.hostname,
                     t.tls.empty() ? "LMTP" : "LMTPS");
  if (!t.tls.empty()) out += fmt::format("\t(using {})\n", t.tls);
  out += fmt::format("\tid {}\n\t(envelope-from <{}>)", t.id, t.sender);
  if (!t.recipient.empty()) out += fmt::format("\n\tfor <{}>", t.recipient);
  out += fmt::format("; {}\n", date_text(t.now));
  return out;
}

LoggedHeaders logged_headers(std::string_view header) {
  LoggedHeaders out;
  while (!header.empty()) {
    auto line = header.substr(0, header.find('\n'));
    header.remove_prefix(std::min(line.size() + 1, header.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    auto name = trim_right(line.substr(0, colon));
    std::string* place = iequals(name, "Message-ID") ? &out.message_id
                         : iequals(name, "Subject")  ? &out.subject
                         : iequals(name, "From")     ? &out.from
                                                     : nullptr;
    if (place && place->empty()) {
      *place = unfold(header, line.substr(colon + 1));
    }
  }
  // Of the id only what is within its brackets, comments off.
  auto begin = out.message_id.find('<');
  auto end = out.message_id.find('>', begin);
  if (begin != std::string::npos && end != std::string::npos) {
    out.message_id = out.message_id.substr(begin, end - begin + 1);
  }
  return out;
}

}  // namespace mail::lmtp
