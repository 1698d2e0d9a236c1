#include "common/smtp/transcript.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/ascii.h"

namespace mail::smtp {
namespace {

constexpr size_t kWidth = 79;

/// Breaks at blanks; what follows is indented.
void fold(std::string& out, std::string_view line) {
  std::string_view indent;
  while (indent.size() + line.size() > kWidth) {
    size_t at = line.rfind(' ', kWidth - indent.size());
    if (at == std::string_view::npos || at < 7) {
      at = line.find(' ', kWidth - indent.size());
    }
    if (at == std::string_view::npos) break;
    out.append(indent).append(line.substr(0, at)).append("\n");
    line = trim_left(line.substr(at));
    indent = "     ";
  }
  out.append(indent).append(line).append("\n");
}

}  // namespace

void Transcript::add(std::string_view prefix, std::string_view text) {
  while (true) {
    size_t end = text.find('\n');
    said_.append(prefix).append(text.substr(0, std::min(end, kLineLength)));
    said_ += '\n';
    ++lines_;
    while (said_.size() > kLimit) {
      said_.erase(0, said_.find('\n') + 1);
      --lines_;
    }
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void Transcript::clear() {
  said_ = {};
  lines_ = 0;
}

std::string Transcript::text() const {
  std::string out;
  for (auto line : split(said_, "\n")) fold(out, line);
  return out;
}

unsigned parse_notify_classes(std::string_view list) {
  constexpr std::array<std::pair<std::string_view, unsigned>, 8> kNames = {
      {{"bounce", kNotifyBounce},
       {"2bounce", kNotifyTwoBounce},
       {"data", kNotifyData},
       {"delay", kNotifyDelaying},
       {"policy", kNotifyPolicy},
       {"protocol", kNotifyProtocol},
       {"resource", kNotifyResource},
       {"software", kNotifySoftware}}};
  unsigned bits = 0;
  for (auto word : split(list)) {
    for (auto [name, bit] : kNames) {
      if (iequals(word, name)) bits |= bit;
    }
  }
  return bits;
}

std::string format_letter(const TranscriptLetter& letter,
                          const Transcript& transcript) {
  std::string out = fmt::format(
      "From: Mail Delivery System <MAILER-DAEMON@{}>\nTo: Postmaster <{}>\n"
      "Subject: {}\n\n",
      letter.host, letter.recipient, letter.subject);
  if (!letter.opening.empty()) out += letter.opening + "\n\n";
  out += "Transcript of session follows.\n\n" + transcript.text() + "\n";
  if (!letter.reason.empty()) {
    out += fmt::format("Session aborted, reason: {}\n", letter.reason);
  }
  return out + "\nFor other details, see the local mail logfile\n";
}

}  // namespace mail::smtp
