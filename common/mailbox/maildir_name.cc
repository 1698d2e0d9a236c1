#include "common/mailbox/maildir_name.h"

#include <fmt/format.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::mailbox {

namespace {

constexpr std::string_view kInfoStart = ":2,";
struct FlagLetter {
  char letter;
  Flags flag;
};
constexpr FlagLetter kFlagLetters[] = {{'D', kDraft},
                                       {'F', kFlagged},
                                       {'R', kAnswered},
                                       {'S', kSeen},
                                       {'T', kDeleted}};

Flags flag_of_letter(char c) {
  for (const FlagLetter& one : kFlagLetters) {
    if (one.letter == c) return one.flag;
  }
  return 0;
}

/// Digits at the start; zero without any, as large as it goes when too many.
uint64_t leading_number(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end == 0) return 0;
  return parse_number<uint64_t>(text.substr(0, end)).value_or(UINT64_MAX);
}

}  // namespace

MaildirName parse_maildir_name(std::string_view file) {
  MaildirName out;
  size_t colon = file.find(':');
  out.base = file.substr(0, colon);
  if (colon == file.npos) return out;
  out.info = file.substr(colon);
  if (!out.info.starts_with(kInfoStart)) return out;
  for (char c : out.info.substr(kInfoStart.size())) {
    if (c == ',') break;
    if (is_lower(c)) {
      out.keywords |= KeywordMask{1} << (c - 'a');
    } else {
      out.flags |= flag_of_letter(c);
    }
  }
  return out;
}

std::string maildir_info(Flags flags, KeywordMask keywords,
                         std::string_view present) {
  std::string letters;
  for (const FlagLetter& one : kFlagLetters) {
    if (flags & one.flag) letters += one.letter;
  }
  std::string_view rest;
  if (present.starts_with(kInfoStart)) {
    std::string_view old = present.substr(kInfoStart.size());
    size_t comma = std::min(old.find(','), old.size());
    rest = old.substr(comma);
    for (char c : old.substr(0, comma)) {
      if (!is_lower(c) && !flag_of_letter(c) &&
          letters.find(c) == letters.npos) {
        letters += c;
      }
    }
    std::sort(letters.begin(), letters.end());
  }
  for (int i = 0; i < 26; ++i) {
    if (keywords >> i & 1) letters += static_cast<char>('a' + i);
  }
  std::string out(kInfoStart);
  out += letters;
  out += rest;
  return out;
}

std::optional<uint64_t> size_in_name(std::string_view base, char letter) {
  const char key[] = {',', letter, '='};
  size_t at = base.find(std::string_view(key, 3));
  if (at == base.npos) return std::nullopt;
  std::string_view number = base.substr(at + 3);
  return parse_number<uint64_t>(number.substr(0, number.find(',')));
}

DeliveryOrder delivery_order(std::string_view base) {
  DeliveryOrder out;
  out.name = base;
  out.seconds = leading_number(base);
  size_t dot = base.find(".M");
  if (dot != base.npos) out.microseconds = leading_number(base.substr(dot + 2));
  return out;
}

std::string new_maildir_base(std::string_view host) {
  static int64_t last = 0;  // microseconds; never the same twice
  timeval now;
  gettimeofday(&now, nullptr);
  int64_t at = int64_t{now.tv_sec} * 1000000 + now.tv_usec;
  last = std::max(last + 1, at);
  return fmt::format("{}.M{}P{}.{}", last / 1000000, last % 1000000, getpid(),
                     host);
}

}  // namespace mail::mailbox
