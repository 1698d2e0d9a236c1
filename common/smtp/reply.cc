#include "common/smtp/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/ascii.h"

namespace mail::smtp {
namespace {

/// Calls visit(line, is_last) for each line of text; once for empty text.
template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (true) {
    size_t end = text.find('\n');
    visit(text.substr(0, end), end == std::string_view::npos);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void append_line(std::string& out, const Reply& reply, std::string_view line,
                 bool last) {
  fmt::format_to(std::back_inserter(out), "{:03}{}", reply.code,
                 last ? ' ' : '-');
  if (!reply.status.empty()) {
    out += reply.status;
    out += ' ';
  }
  out += line;
}

/// "NNN", "NNN text" or "NNN-text".
bool is_reply_line(std::string_view line) {
  return line.size() >= 3 && is_digit(line[0]) && is_digit(line[1]) &&
         is_digit(line[2]) &&
         (line.size() == 3 || line[3] == ' ' || line[3] == '-');
}

/// Takes code and status off one line; the text after them is appended.
void read_line(Reply& reply, std::string_view line) {
  reply.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  std::string_view rest = line.size() > 3 ? line.substr(4) : "";
  size_t length = 0;
  auto dsn = parse_dsn_code(rest, &length);
  if (dsn && dsn->category == reply.code / 100) {
    reply.status = rest.substr(0, length);
    rest = trim_left(rest.substr(length));
  }
  reply.text += rest;
}

}  // namespace

std::string Reply::line() const {
  std::string out;
  for_each_line(text, [&](std::string_view line, bool last) {
    append_line(out, *this, line, last);
    if (!last) out += '\n';
  });
  return out;
}

void Reply::append_to(std::string& wire) const {
  if (code == 0) return;  // a connection that ends without a word
  for_each_line(text, [&](std::string_view line, bool last) {
    append_line(wire, *this, line, last);
    wire += "\r\n";
  });
}

Reply parse_reply(std::string_view text) {
  Reply reply;
  bool first = true;
  for_each_line(text, [&](std::string_view line, bool) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!is_reply_line(line)) return;
    if (!first) reply.text += '\n';
    first = false;
    read_line(reply, line);
  });
  return reply;
}

Reply hangup(Reply reply) {
  reply.hangup = true;
  return reply;
}

DsnCode ReceivedReply::dsn() const {
  if (auto dsn = parse_dsn_code(status)) return *dsn;
  int category = code / 100;
  if (category == 3) category = 2;
  if (category == 2 || category == 4 || category == 5) return {category, 0, 0};
  return {5, 5, 0};
}

std::string ReceivedReply::joined() const {
  std::string out = raw;
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

size_t ReplyParser::feed(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && !complete_) {
    std::string_view rest = bytes.substr(taken);
    size_t end = rest.find('\n');
    std::string_view part = rest.substr(0, end);
    size_t room = limits_.line - std::min(limits_.line, line_.size());
    line_.append(part.substr(0, room));
    if (end == std::string_view::npos) return bytes.size();
    taken += end + 1;
    end_line();
  }
  return taken;
}

void ReplyParser::end_line() {
  while (!line_.empty() && line_.back() == '\r') line_.pop_back();
  bool good = is_reply_line(line_);
  std::string& log = good ? reply_.raw : reply_.garbage;
  bool room = log.size() + line_.size() < limits_.total;
  bool last = good && (line_.size() == 3 || line_[3] == ' ');
  if (room) {
    if (!log.empty()) log += '\n';
    log += line_;
  }
  if (good && (room || last)) {
    if (reply_.code != 0) reply_.text += '\n';
    read_line(reply_, line_);
  }
  complete_ = last;
  line_.clear();
}

ReceivedReply ReplyParser::take() {
  complete_ = false;
  return std::exchange(reply_, ReceivedReply());
}

}  // namespace mail::smtp
