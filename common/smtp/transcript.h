#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mail::smtp {

/// What was said in a session, for the postmaster (notify_classes), in as
/// little memory as it takes. Bounded: the oldest lines go first.
class Transcript {
 public:
  static constexpr size_t kLimit = 65536, kLineLength = 1000;

  /// A command or reply; a reply's lines are parted by LF.
  void in(std::string_view text) { add(" In:  ", text); }
  void out(std::string_view text) { add(" Out: ", text); }

  size_t lines() const { return lines_; }
  void clear();
  /// One line each, folded at 79 columns.
  std::string text() const;

 private:
  void add(std::string_view prefix, std::string_view text);
  std::string said_;  // each line with its prefix and LF
  size_t lines_ = 0;
};

/// What a session has done wrong; postmasters choose (notify_classes).
enum NotifyClass : unsigned {
  kNotifyBounce = 1,
  kNotifyTwoBounce = 2,
  kNotifyData = 4,  ///< a table or file of ours could not be read
  kNotifyDelaying = 8,
  kNotifyPolicy = 16,    ///< refused by restrictions
  kNotifyProtocol = 32,  ///< broke the protocol
  kNotifyResource = 64,  ///< no room, no memory
  kNotifySoftware = 128,
};
/// Names of notify_classes to bits; unknown ones count nothing.
unsigned parse_notify_classes(std::string_view list);

/// The letter with a transcript, but for "Received:" and "Date:" in front.
struct TranscriptLetter {
  std::string host;       ///< MAILER-DAEMON@host writes
  std::string recipient;  ///< external form
  std::string subject;
  std::string opening;  ///< a paragraph before the transcript; may be empty
  std::string reason;   ///< why the session ended early; may be empty
};
std::string format_letter(const TranscriptLetter& letter,
                          const Transcript& transcript);

}  // namespace mail::smtp
