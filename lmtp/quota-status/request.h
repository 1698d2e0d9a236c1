#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/ipc/tabbed.h"

namespace mail::quota_status {

/// What counts of a policy request (Postfix's SMTPD_POLICY_README).
struct Request {
  std::string recipient;
  uint64_t size = 0;
};

/// A request is at most so long.
inline constexpr size_t kMostBytes = 64 << 10;

/// Takes the first request of `bytes` away: lines "name=value" up to an empty
/// one. nullopt: it is not whole yet.
std::optional<Request> take_request(std::string_view bytes, size_t& used);

/// "bob+box@example.com" with the delimiter "+": bob@example.com.
std::string without_detail(std::string_view address,
                           std::string_view delimiters);

/// What root's part asks a user's process. Our own format: a line.
struct Question {
  std::string user;
  ipc::TabFields fields;  ///< of the user database
  uint64_t size = 0;
};
std::string encode(const Question& question);
Result<Question> parse_question(std::string_view text);

/// Its answer: how it stands, and the text for the client.
struct Verdict {
  enum class Kind { Fits, Full, TooLarge, Trouble } kind = Kind::Trouble;
  std::string text;
};
std::string encode(const Verdict& verdict);
Result<Verdict> parse_verdict(std::string_view text);

}  // namespace mail::quota_status
