#include "tools/postqueue/format.h"

#include <fmt/format.h>

#include <ctime>
#include <iterator>

namespace mail::postqueue {

namespace {

constexpr size_t kReasonEnd = 76;

/// "Tue Nov 24 03:44:21 2026", without the locale of asctime().
std::string local_time(long seconds) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed",
                                   "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t when = seconds;
  tm t{};
  localtime_r(&when, &t);
  return fmt::format("{} {} {:>2} {:02}:{:02}:{:02} {}", kDays[t.tm_wday],
                     kMonths[t.tm_mon], t.tm_mday, t.tm_hour, t.tm_min,
                     t.tm_sec, 1900 + t.tm_year);
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
      case '\\':
        out += '\\';
        out += c;
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < ' ' || c == 127) {
          fmt::format_to(std::back_inserter(out), "\\u{:04X}", int{c});
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

}  // namespace

void Table::add(const ipc::ShowqMessage& message, std::string& out) {
  bool wide = width_ == IdWidth::Long;
  if (count_ == 0) {
    out += wide ? "----Queue ID----- --Size-- ---Arrival Time---- "
                  "--Sender/Recipient------\n"
                : "-Queue ID-  --Size-- ----Arrival Time---- "
                  "-Sender/Recipient-------\n";
  } else {
    out += '\n';
  }
  ++count_;
  bytes_ += message.size;
  std::string id = message.queue_id;
  if (message.queue_name == "active") id += '*';
  if (message.queue_name == "hold") id += '!';
  if (message.forced_expire != 0) id += '#';
  auto when = local_time(message.time);
  if (wide) {
    fmt::format_to(std::back_inserter(out), "{:<17} {:>8} {:>19.19} {}\n", id,
                   message.size, when, message.sender);
  } else {
    fmt::format_to(std::back_inserter(out), "{:<11} {:>7} {:>20.20} {}\n", id,
                   message.size, when, message.sender);
  }
  const std::string* before = nullptr;
  for (const auto& recipient : message.recipients) {
    const auto& reason = recipient.reason;
    bool changed = before == nullptr ? !reason.empty() : reason != *before;
    before = &reason;
    if (changed) {
      std::string_view text = reason;
      if (text.empty()) text = "reason unavailable";
      out.append(kReasonEnd - std::min(kReasonEnd, text.size()), ' ');
      out.append("(").append(text).append(")\n");
    }
    out.append(wide ? 47 : 41, ' ').append(recipient.recipient).append("\n");
  }
}

void Table::finish(std::string& out) const {
  if (count_ == 0) {
    out += "Mail queue is empty\n";
    return;
  }
  fmt::format_to(std::back_inserter(out), "\n-- {} Kbytes in {} Request{}.\n",
                 bytes_ / 1024, count_, count_ == 1 ? "" : "s");
}

void append_json(const ipc::ShowqMessage& message, std::string& out) {
  out += "{\"queue_name\": ";
  append_quoted(message.queue_name, out);
  out += ", \"queue_id\": ";
  append_quoted(message.queue_id, out);
  fmt::format_to(std::back_inserter(out),
                 ", \"arrival_time\": {}, \"message_size\": {}, "
                 "\"forced_expire\": {}, \"sender\": ",
                 message.time, message.size,
                 message.forced_expire != 0 ? "true" : "false");
  append_quoted(message.sender, out);
  out += ", \"recipients\": [";
  bool first = true;
  for (const auto& recipient : message.recipients) {
    if (!first) out += ", ";
    first = false;
    out += "{\"address\": ";
    append_quoted(recipient.recipient, out);
    if (!recipient.reason.empty()) {
      out += ", \"delay_reason\": ";
      append_quoted(recipient.reason, out);
    }
    out += '}';
  }
  out += "]}\n";
}

}  // namespace mail::postqueue
