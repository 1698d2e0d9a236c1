#include "common/mime/envelope_scan.h"

#include <cstring>

#include "common/base/ascii.h"

namespace mail::mime {

namespace {

bool is_fold(char c) { return c == ' ' || c == '\t'; }

size_t line_end(std::string_view text, size_t at) {
  const void* hit = memchr(text.data() + at, '\n', text.size() - at);
  if (!hit) return text.size();
  return static_cast<size_t>(static_cast<const char*>(hit) - text.data());
}

std::string_view without_cr(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Without the CRs in front of LFs.
std::string without_crs(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool ends_line = text.substr(i).starts_with("\r\n");
    if (!ends_line) out += text[i];
  }
  return out;
}

}  // namespace

std::string_view EnvelopeScan::keep(std::string text) {
  made_.push_front(std::move(text));
  return made_.front();
}

std::optional<std::string_view>* EnvelopeScan::place_of(std::string_view name,
                                                        bool& joins) {
  EnvelopeView& e = fields_;
  switch (name.size()) {
    case 2:
      joins = true;
      if (iequals(name, "to")) return &e.to;
      return iequals(name, "cc") ? &e.cc : nullptr;
    case 3:
      joins = true;
      return iequals(name, "bcc") ? &e.bcc : nullptr;
    case 4:
      joins = !iequals(name, "date");
      if (!joins) return &e.date;
      return iequals(name, "from") ? &e.from : nullptr;
    case 6:
      joins = true;
      return iequals(name, "sender") ? &e.sender : nullptr;
    case 7:
      return iequals(name, "subject") ? &e.subject : nullptr;
    case 8:
      joins = true;
      return iequals(name, "reply-to") ? &e.reply_to : nullptr;
    case 10:
      if (iequals(name, "references")) return &references_;
      return iequals(name, "message-id") ? &e.message_id : nullptr;
    case 11:
      return iequals(name, "in-reply-to") ? &e.in_reply_to : nullptr;
    default:
      return nullptr;
  }
}

EnvelopeScan::EnvelopeScan(std::string_view header) {
  const size_t limit = StructureParser::Limits{}.header;
  for (size_t at = 0; at < header.size();) {
    size_t end = line_end(header, at);
    std::string_view line = without_cr(header.substr(at, end - at));
    if (line.empty()) break;
    size_t next = end + 1;
    size_t colon = line.find(':');
    bool joins = false;
    auto* place = colon == line.npos || is_fold(line[0])
                      ? nullptr
                      : place_of(trim_right(line.substr(0, colon)), joins);
    // The lines that go on.
    while (next < header.size() && is_fold(header[next])) {
      end = line_end(header, next);
      next = end + 1;
    }
    if (place) {
      std::string_view first = trim_left(line.substr(colon + 1));
      auto from = static_cast<size_t>(first.data() - header.data());
      std::string_view value = without_cr(header.substr(from, end - from));
      if (value.find('\r') != value.npos) value = keep(without_crs(value));
      value = value.substr(0, limit);
      if (joins && *place) {
        value = keep(std::string(**place) + "," + std::string(value));
      }
      *place = value;
    }
    at = next;
  }
}

}  // namespace mail::mime
