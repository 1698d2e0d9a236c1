#include "common/mailbox/uidlist.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::mailbox {

namespace {

constexpr size_t kMaxBroken = 20;

Failure corrupted(std::string_view reason) {
  return fail(Fault::Protocol,
              fmt::format("line 1: Corrupted header ({})", reason));
}

Result<> parse_fields(std::string_view text, Uidlist& out) {
  for (std::string_view field : split(text, " ")) {
    std::string_view value = field.substr(1);
    if (field[0] == 'V') {
      auto number = parse_number<uint32_t>(value);
      if (!number) return corrupted("invalid uidvalidity");
      out.uidvalidity = *number;
    } else if (field[0] == 'N') {
      auto number = parse_number<uint32_t>(value);
      if (!number) return corrupted("invalid next uid");
      out.uidnext = *number;
    } else if (field[0] == 'G') {
      out.guid = value;
    } else {
      if (!out.fields.empty()) out.fields += ' ';
      out.fields += field;
    }
  }
  return {};
}

Result<> parse_header(std::string_view line, Uidlist& out) {
  if (line.starts_with("3 ")) {
    TRY(parse_fields(line.substr(2), out));
  } else if (line.starts_with("1 ")) {
    auto parts = split(line, " ");
    if (parts.size() != 3) return corrupted("version 1 line");
    auto validity = parse_number<uint32_t>(parts[1]);
    auto next = parse_number<uint32_t>(parts[2]);
    if (!validity || !next) return corrupted("version 1 line");
    out.uidvalidity = *validity;
    out.uidnext = *next;
  } else {
    return corrupted("invalid version number");
  }
  if (out.uidvalidity == 0) return corrupted("missing uidvalidity");
  if (out.uidnext == 0) return corrupted("missing next uid");
  return {};
}

/// Why the line is broken; empty: it is not.
std::string_view parse_line(std::string_view line, bool version_1,
                            uint32_t last, Uidlist::Entry& entry) {
  size_t blank = std::min(line.find(' '), line.size());
  auto uid = parse_number<uint32_t>(line.substr(0, blank));
  if (!uid || *uid == 0) return "invalid uid";
  if (*uid <= last) return "uids are not ascending";
  entry.uid = *uid;
  std::string_view rest = line.substr(blank);
  if (version_1) {
    entry.name = trim_left(rest);
    if (size_t colon = entry.name.find(':'); colon != entry.name.npos) {
      entry.name = entry.name.substr(0, colon);
    }
  } else {
    size_t colon = rest.find(" :");
    if (colon == rest.npos) return "no file name";
    entry.fields = trim(rest.substr(0, colon));
    entry.name = rest.substr(colon + 2);
  }
  if (entry.name.empty()) return "no file name";
  if (entry.name.find('/') != entry.name.npos) return "file name with a slash";
  return {};
}

void parse_entries(std::string_view text, size_t line_number, bool version_1,
                   Uidlist& out) {
  size_t at = 0;
  out.entries.reserve(out.entries.size() + text.size() / 64);
  while (at < text.size()) {
    size_t end = text.find('\n', at);
    if (end == text.npos) break;
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    Uidlist::Entry entry{};
    uint32_t last = out.entries.empty() ? 0 : out.entries.back().uid;
    std::string_view why = parse_line(line, version_1, last, entry);
    if (why.empty()) {
      out.entries.push_back(entry);
      if (entry.uid >= out.uidnext && entry.uid != UINT32_MAX) {
        out.uidnext = entry.uid + 1;
      }
    } else if (out.broken.size() < kMaxBroken) {
      out.broken.push_back(fmt::format("line {}: {}", line_number, why));
    }
    ++line_number;
  }
  out.complete += at;
}

}  // namespace

Result<Uidlist> parse_uidlist(std::string_view text) {
  Uidlist out;
  size_t end = text.find('\n');
  if (end == text.npos) {
    return corrupted(text.empty() ? "empty file" : "no end of line");
  }
  std::string_view header = text.substr(0, end);
  TRY(parse_header(header, out));
  out.header_size = out.complete = end + 1;
  parse_entries(text.substr(end + 1), 2, header[0] == '1', out);
  return out;
}

void parse_uidlist_lines(std::string_view text, size_t first_line,
                         Uidlist& out) {
  parse_entries(text, first_line, /*version_1=*/false, out);
}

std::string format_uidlist_header(const Uidlist& list) {
  std::string out =
      fmt::format("3 V{} N{} G{}", list.uidvalidity, list.uidnext, list.guid);
  if (!list.fields.empty()) {
    out += ' ';
    out += list.fields;
  }
  out += '\n';
  return out;
}

std::string format_uidlist_line(const Uidlist::Entry& entry) {
  return fmt::format("{} {}{}:{}\n", entry.uid, entry.fields,
                     entry.fields.empty() ? "" : " ", entry.name);
}

std::optional<std::string_view> uidlist_field(std::string_view fields,
                                              char key) {
  for (std::string_view field : split(fields, " ")) {
    if (field[0] == key) return field.substr(1);
  }
  return std::nullopt;
}

}  // namespace mail::mailbox
