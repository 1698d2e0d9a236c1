#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/dns/answer.h"

namespace mail::dns {

struct Question {
  std::string name;  ///< absolute, with or without the final dot
  Type type = Type::A;
  uint16_t id = 0;
  bool edns = true;     ///< an OPT record that takes replies of 1232 bytes
  bool dnssec = false;  ///< DO (needs edns)
};

/// One query, recursion desired, AD set (RFC 1035, 6891, 6840).
/// Errors: Protocol, not a domain name: too long, an empty label.
Result<std::string> encode_query(const Question& question);

/// What a reply says.
struct Reply {
  enum class Code { Success, FormatError, ServerFailure, NameError, Other };
  Code code = Code::Success;
  bool truncated = false;  ///< ask again over TCP
  /// Of Success and NameError: status Found, NoData, NotFound, Malformed, or
  /// Found without records when the CNAMEs lead out of this reply: then look
  /// up `answer.canonical`.
  Answer answer;
};

/// Reads the reply to `question`: follows its CNAMEs, drops what was not asked.
/// in: one UDP payload, or one TCP message without its length.
/// Errors: Protocol, not a reply to this question (wait for another), or
/// unreadable; sys EBADMSG in the latter case.
Result<Reply> parse_reply(std::string_view bytes, const Question& question);

/// A host name as mail can use it: labels of letters, digits, '-', '_', at most
/// 63 and 255 bytes, not all digits and dots.
bool is_host_name(std::string_view name);

}  // namespace mail::dns
