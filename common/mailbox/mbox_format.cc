#include "common/mailbox/mbox_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::mailbox {

namespace {

constexpr std::string_view kFrom = "From ";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr size_t kMaxFromLine = 512;
constexpr size_t kPadding = 70;
constexpr size_t kChunk = 256 << 10;

int name_at(std::string_view names, std::string_view token) {
  if (token.size() < 3) return -1;
  for (size_t i = 0; i < names.size(); i += 3) {
    if (iequals(names.substr(i, 3), token.substr(0, 3))) {
      return static_cast<int>(i / 3);
    }
  }
  return -1;
}

/// 15:41:57 or 15:41.
bool parse_clock(std::string_view token, tm& out) {
  auto parts = split_exact(token, ':');
  if (parts.size() < 2 || parts.size() > 3) return false;
  int* places[] = {&out.tm_hour, &out.tm_min, &out.tm_sec};
  out.tm_sec = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    auto number = parse_number<int>(parts[i]);
    if (!number || *number < 0 || *number > 60) return false;
    *places[i] = *number;
  }
  return out.tm_hour < 24;
}

/// The tokens behind the name of a weekday.
std::optional<int64_t> parse_date(const std::vector<std::string_view>& tokens,
                                  size_t at) {
  tm out{};
  out.tm_mon = -1;
  out.tm_mday = 0;
  out.tm_year = -1;
  bool clock = false;
  std::optional<int> zone;
  for (size_t i = at; i < tokens.size() && i < at + 8; ++i) {
    std::string_view token = tokens[i];
    if (token.ends_with(',')) token.remove_suffix(1);
    auto number = parse_number<int>(token);
    if (out.tm_mon < 0 && name_at(kMonths, token) >= 0 && token.size() == 3) {
      out.tm_mon = name_at(kMonths, token);
    } else if (token.find(':') != token.npos) {
      if (clock || !parse_clock(token, out)) return std::nullopt;
      clock = true;
    } else if (number && token.size() == 5 &&
               (token[0] == '+' || token[0] == '-')) {
      zone = *number;
    } else if (token.size() == 5 && token[0] == '+' &&
               (number = parse_number<int>(token.substr(1)))) {
      zone = *number;
    } else if (number && token.size() == 4 && is_digit(token[0])) {
      out.tm_year = *number - 1900;
    } else if (number && token.size() <= 2 && out.tm_mday == 0) {
      out.tm_mday = *number;
    }
    if (token == "remote") break;
  }
  if (out.tm_mon < 0 || out.tm_mday < 1 || out.tm_mday > 31 || !clock ||
      out.tm_year < 70) {
    return std::nullopt;
  }
  if (zone) {
    int minutes = *zone / 100 * 60 + *zone % 100;
    return timegm(&out) - minutes * 60;
  }
  out.tm_isdst = -1;
  return mktime(&out);
}

std::string_view line_at(std::string_view text, size_t at) {
  size_t end = text.find('\n', at);
  return text.substr(at, end == text.npos ? end : end + 1 - at);
}

std::string_view without_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

struct StatusLetter {
  char letter;
  Flags flag;
};
// In the order they are written.
constexpr StatusLetter kStatusLetters[] = {
    {'A', kAnswered}, {'F', kFlagged}, {'D', kDeleted}, {'T', kDraft}};

MboxBase parse_base(std::string_view value) {
  MboxBase out;
  auto parts = split(value);
  if (!parts.empty()) {
    out.uidvalidity = parse_number<uint32_t>(parts[0]).value_or(0);
  }
  if (parts.size() > 1) {
    out.last_uid = parse_number<uint32_t>(parts[1]).value_or(0);
  }
  for (size_t i = 2; i < parts.size() && i < 2 + kMaxKeywords; ++i) {
    out.keywords.emplace_back(parts[i]);
  }
  return out;
}

/// Whether the header is the mailbox's own.
bool take_field(std::string_view name, std::string_view value, bool first,
                MboxHeader& out) {
  if (iequals(name, "Status")) {
    for (char c : value) {
      if (c == 'R') out.flags |= kSeen;
      if (c == 'O') out.old = true;
    }
  } else if (iequals(name, "X-Status")) {
    for (char c : value) {
      for (const StatusLetter& one : kStatusLetters) {
        if (one.letter == c) out.flags |= one.flag;
      }
    }
  } else if (iequals(name, "X-Keywords")) {
    for (std::string_view word : split(value)) out.keywords.emplace_back(word);
  } else if (iequals(name, "X-UID")) {
    out.uid = parse_number<uint32_t>(trim(value));
    if (out.uid == 0U) out.uid.reset();
  } else if (iequals(name, "Content-Length")) {
    out.content_length = parse_number<uint64_t>(trim(value));
  } else if (iequals(name, "X-IMAPbase") || iequals(name, "X-IMAP")) {
    if (!out.base) out.base = parse_base(value);
    if (iequals(name, "X-IMAP") && first) out.pseudo = true;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<int64_t> parse_from_line(std::string_view line) {
  line = without_end(line);
  if (!line.starts_with(kFrom) || line.size() > kMaxFromLine) {
    return std::nullopt;
  }
  auto tokens = split(line.substr(kFrom.size()), " \t");
  for (size_t i = 0; i < tokens.size(); ++i) {
    std::string_view token = tokens[i];
    if (token.ends_with(',')) token.remove_suffix(1);
    if (token.size() != 3 || name_at(kDays, token) < 0) continue;
    if (auto date = parse_date(tokens, i + 1)) return date;
  }
  return std::nullopt;
}

std::string make_from_line(std::string_view sender, int64_t date) {
  time_t seconds = date;
  tm local{};
  localtime_r(&seconds, &local);
  std::string clean;
  for (char c : sender) {
    if (!is_space(c) && static_cast<unsigned char>(c) > 31) clean += c;
  }
  if (clean.empty()) clean = "MAILER-DAEMON";
  if (clean.size() > 400) clean.resize(400);
  auto name = [](std::string_view names, int i) {
    return names.substr(static_cast<size_t>(i) * 3, 3);
  };
  return fmt::format("From {}  {} {} {:02} {:02}:{:02}:{:02} {:04}\n", clean,
                     name(kDays, local.tm_wday), name(kMonths, local.tm_mon),
                     local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                     local.tm_year + 1900);
}

bool has_mbox_header_end(std::string_view text) {
  return text.find("\n\n") != text.npos || text.find("\n\r\n") != text.npos;
}

std::optional<MboxHeader> parse_mbox_header(std::string_view text) {
  MboxHeader out;
  std::string_view first = line_at(text, 0);
  auto date = parse_from_line(first);
  if (!date) return std::nullopt;
  out.date = *date;
  out.from_line = first.size();
  size_t at = first.size();
  bool one_run = true, any = false, ours = false;
  size_t first_ours = 0, end_ours = 0;
  while (at < text.size()) {
    std::string_view line = line_at(text, at);
    if (without_end(line).empty()) {
      out.visible += line;
      at += line.size();
      break;
    }
    bool continued = line[0] == ' ' || line[0] == '\t';
    size_t colon = line.find(':');
    if (!continued) {
      std::string_view name = trim_right(line.substr(0, colon));
      ours = colon != line.npos &&
             take_field(name, trim(without_end(line.substr(colon + 1))),
                        /*first=*/true, out);
    }
    if (ours) {
      if (!any) first_ours = at;
      if (any && end_ours != at) one_run = false;
      any = true;
      end_ours = at + line.size();
    } else {
      out.visible += line;
    }
    at += line.size();
  }
  out.size = at;
  if (any && one_run) {
    out.block_begin = first_ours;
    out.block_end = end_ours;
  }
  return out;
}

std::string make_mbox_block(const MboxFields& fields, size_t size) {
  std::string out;
  if (fields.base) {
    out += fmt::format("X-IMAPbase: {} {:010}", fields.base->uidvalidity,
                       fields.base->last_uid);
    for (const std::string& name : fields.base->keywords) out += ' ' + name;
    out += '\n';
  }
  out += fmt::format("X-UID: {}\nStatus: {}{}\n", fields.uid,
                     fields.flags & kSeen ? "R" : "", fields.old ? "O" : "");
  std::string letters;
  for (const StatusLetter& one : kStatusLetters) {
    if (fields.flags & one.flag) letters += one.letter;
  }
  if (!letters.empty()) out += "X-Status: " + letters + '\n';
  std::string words = "X-Keywords:";
  for (const std::string& word : fields.keywords) words += ' ' + word;
  std::string length =
      fmt::format("Content-Length: {}\n", fields.content_length);
  size_t fixed = out.size() + words.size() + 1 + length.size();
  if (size == 0) {
    size_t room = words.size() < kPadding ? kPadding - words.size() : 10;
    words.append(room, ' ');
  } else if (fixed <= size) {
    words.append(size - fixed, ' ');
  } else {
    return {};
  }
  return out + words + '\n' + length;
}

namespace {

/// A separator at `at`: the line there, if it is a From_ line or the end.
bool is_boundary(const MboxRead& read, uint64_t at, uint64_t file_size) {
  if (at == file_size) return true;
  std::string_view text = read(at, kMaxFromLine);
  return text.starts_with(kFrom) &&
         parse_from_line(line_at(text, 0)).has_value();
}

uint64_t count_bare(const MboxRead& read, uint64_t begin, uint64_t end) {
  uint64_t out = 0;
  bool cr = false;
  while (begin < end) {
    std::string_view text = read(
        begin, static_cast<size_t>(std::min<uint64_t>(kChunk, end - begin)));
    if (text.empty()) break;
    text = text.substr(
        0, static_cast<size_t>(std::min<uint64_t>(text.size(), end - begin)));
    for (size_t at = 0; at < text.size();) {
      const void* hit = memchr(text.data() + at, '\n', text.size() - at);
      if (!hit) break;
      size_t i =
          static_cast<size_t>(static_cast<const char*>(hit) - text.data());
      if (!(i > 0 ? text[i - 1] == '\r' : cr)) ++out;
      at = i + 1;
    }
    cr = text.back() == '\r';
    begin += text.size();
  }
  return out;
}

}  // namespace

MboxBody find_mbox_end(const MboxRead& read, uint64_t body, uint64_t file_size,
                       std::optional<uint64_t> content_length) {
  MboxBody out;
  if (content_length && *content_length <= file_size - body) {
    uint64_t end = body + *content_length;
    bool separated = end < file_size && read(end, 1).starts_with('\n');
    uint64_t next = separated ? end + 1 : end;
    if (is_boundary(read, next, file_size)) {
      out.end = end;
      out.next = next;
      out.bare_ends = count_bare(read, body, end);
      return out;
    }
  }
  // The empty line in front of a From_ line belongs to neither message; the
  // one behind the header may be it.
  uint64_t at = body;
  bool found = is_boundary(read, at, file_size);
  if (!found) at = body - 1;
  while (!found) {
    std::string_view text = read(at, kChunk);
    size_t hit = text.find("\n\nFrom ");
    if (hit != text.npos) {
      at += hit + 2;
      found = is_boundary(read, at, file_size);
      if (!found) at -= 1;
    } else if (text.size() < kChunk) {
      break;
    } else {
      at += text.size() - 8;
    }
  }
  if (found) {
    out.next = at;
    out.end = at > body ? at - 1 : at;
    out.bare_ends = count_bare(read, body, out.end);
    return out;
  }
  out.next = out.end = file_size;
  std::string_view tail;
  if (file_size > body) {
    uint64_t from =
        std::max(body, file_size - std::min<uint64_t>(file_size, 2));
    tail = read(from, 2);
  }
  if (tail == "\n\n" || (tail == "\n" && file_size == body + 1)) --out.end;
  out.bare_ends = count_bare(read, body, out.end);
  return out;
}

}  // namespace mail::mailbox
