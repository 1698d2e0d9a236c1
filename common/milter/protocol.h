#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/milter/packet.h"

namespace mail::milter {

/// Stages of a session, in Postfix's order of macro lists.
enum class Stage {
  Connect,
  Helo,
  Mail,
  Rcpt,
  Data,
  EndOfHeader,
  EndOfMessage,
  Unknown
};
inline constexpr size_t kStages = 8;

/// The names of macros to send at each stage.
using MacroLists = std::array<std::vector<std::string>, kStages>;
/// A list as parameters and filters write it: blanks or commas, with or
/// without braces; names come out without.
std::vector<std::string> parse_macro_names(std::string_view list);

/// Events, by their command byte.
enum class Event : char {
  Connect = 'C',
  Helo = 'H',
  Mail = 'M',
  Rcpt = 'R',
  Data = 'T',
  Header = 'L',
  EndOfHeader = 'N',
  Body = 'B',
  EndOfMessage = 'E',
  Unknown = 'U',
};
/// "SMFIC_CONNECT", for warnings.
std::string_view event_name(Event event);
Stage stage_of(Event event);

/// What was agreed at the beginning of a connection.
struct Agreement {
  uint32_t version = 6;
  uint32_t actions = 0;
  uint32_t protocol = 0;  ///< bits of events not wanted and replies not sent
  /// The event is known to that version and the filter wants it.
  bool wants(Event event) const;
  /// The version knows the event: its macros are sent even if it is skipped.
  bool knows(Event event) const;
  bool answers(Event event) const;
  bool leading_space() const { return protocol & 0x100000; }
  bool rejected_recipients() const { return protocol & 0x800; }
};

/// milter_protocol: "6", "2", "6 no_header_reply".
/// Errors: Config "bad protocol information: X".
struct Offer {
  uint32_t version = 6;
  uint32_t actions = 0x1FF;
  uint32_t protocol = 0;
};
Result<Offer> parse_offer(std::string_view text);

void append_offer(std::string& out, const Offer& offer);
/// The filter's O packet. Symbol lists in it replace those of `macros`.
/// Errors: Protocol, in Postfix's words.
Result<Agreement> agree(const Offer& offer, const Packet& packet,
                        MacroLists& macros);

/// A D packet: names and values; long names get braces.
void append_macros(
    std::string& out, Event event,
    const std::vector<std::pair<std::string, std::string>>& values);

struct Edit {
  enum class Kind {
    AddHeader,
    InsertHeader,
    ChangeHeader,
    AddRecipient,
    DeleteRecipient,
    ChangeSender,
    ReplaceBody,
    Quarantine
  };
  Kind kind = Kind::AddHeader;
  uint32_t index = 0;  ///< InsertHeader, ChangeHeader
  std::string name;    ///< header name; address; quarantine reason
  std::string value;   ///< header value; ESMTP arguments; body bytes
};

/// What a filter answered.
struct Reply {
  enum class Kind {
    Continue,
    Accept,
    Reject,
    Tempfail,
    Discard,
    Text,
    Skip,
    Progress,
    Shutdown,
    Edit
  };
  Kind kind = Kind::Continue;
  std::string text;  ///< Text: "550 5.7.1 no", lines joined by CR LF, % undone
  Edit edit;
};

/// Errors: Protocol, "unexpected filter response X after event Y" and such; or
/// Config "malformed reply: X", for which the default action counts.
Result<Reply> parse_reply(const Packet& packet, Event event);

}  // namespace mail::milter
