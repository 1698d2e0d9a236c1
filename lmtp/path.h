#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/smtp/reply.h"

namespace mail::lmtp {

/// MAIL's or RCPT's argument as Dovecot reads it: stricter about the path's
/// form than Postfix, which common/smtp follows.
struct PathCommand {
  std::string address;  ///< between the brackets, as written; route taken off
  std::string local;    ///< unquoted
  std::string domain;   ///< empty: none
  std::string orcpt;    ///< decoded address of ORCPT=; empty: none
  bool eight_bit = false;  ///< BODY=8BITMIME
};

enum class PathKind { From, To };

/// line: the whole command line. nullopt and `refusal` set: its reply, in
/// Dovecot's words.
std::optional<PathCommand> parse_path_command(std::string_view line,
                                              PathKind kind,
                                              smtp::Reply& refusal);

/// The user's name and the detail: "bob+box" at domain "d" and delimiters "+"
/// is ("bob@d", "box"). Several delimiters: the first that occurs.
struct UserAndDetail {
  std::string user, detail;
};
UserAndDetail split_detail(const PathCommand& path,
                           std::string_view recipient_delimiter);

}  // namespace mail::lmtp
