#include "lmtp/replies.h"

#include "common/base/ascii.h"
#include "lmtp/path.h"

namespace mail::lmtp {

using smtp::Reply;
using smtp::Verb;

Reply unknown_command() { return {500, "5.5.1", "Unknown command"}; }

Reply refusal(Verb verb, std::string_view line, const Reply& engines,
              bool in_mail) {
  auto word = upper(line.substr(0, line.find(' ')));
  bool sequence = engines.code == 503;
  switch (verb) {
    case Verb::Lhlo:
      return {501, "", "Missing hostname"};
    case Verb::Mail: {
      Reply reply;
      if (!parse_path_command(line, PathKind::From, reply)) return reply;
      if (sequence && in_mail) return {503, "5.5.0", "MAIL already given"};
      return engines;
    }
    case Verb::Rcpt: {
      Reply reply;
      if (!parse_path_command(line, PathKind::To, reply)) return reply;
      if (sequence) return {503, "5.5.0", "MAIL needed first"};
      return engines;
    }
    case Verb::Data:
    case Verb::Bdat:
      if (sequence && !in_mail) return {503, "5.5.0", "MAIL needed first"};
      if (sequence || engines.code == 554) {
        return {503, "5.5.0", "No valid recipients"};
      }
      if (verb == Verb::Bdat) {
        return {501, "5.5.4", "Invalid chunk size parameter"};
      }
      return {501, "5.5.4", "Invalid parameters"};
    case Verb::Rset:
    case Verb::Quit:
    case Verb::StartTls:
    case Verb::Vrfy:
      return {501, "5.5.4", "Invalid parameters"};
    case Verb::Auth:
      return {502, "5.5.1", "Unsupported command"};
    default:
      break;
  }
  if (word == "XCLIENT") return {550, "5.7.14", "You are not from trusted IP"};
  return unknown_command();
}

}  // namespace mail::lmtp
