#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/spf/address.h"

namespace mail::spf {

/// RFC 7208, 2.6.
enum class Outcome {
  None,
  Neutral,
  Pass,
  Fail,
  SoftFail,
  TempError,
  PermError,
};
/// "none", "pass", "softfail", ...
std::string_view text_of(Outcome outcome);

/// A question to the DNS.
struct Question {
  enum class Type { Txt, A, Aaaa, Mx, Ptr };
  Type type = Type::Txt;
  std::string name;  ///< absolute, without the final dot
  friend auto operator<=>(const Question&, const Question&) = default;
};

/// Its answer. CNAMEs were followed.
struct Reply {
  enum class Status {
    Found,
    Nothing,  ///< no such name, or none of this type
    Failure,  ///< time-out, SERVFAIL, ...
  };
  Status status = Status::Failure;
  std::vector<std::string> texts;  ///< TXT: strings joined; MX, PTR: names
  std::vector<Address> addresses;  ///< A, AAAA
};
using Replies = std::map<Question, Reply>;

/// Whose mail is judged (RFC 7208, 4.1).
struct Identity {
  Address client;
  std::string domain;  ///< that is checked: of MAIL FROM, or HELO
  std::string sender;  ///< local@domain; postmaster@ for the HELO identity
  std::string helo;
  std::string receiver = "unknown";  ///< our name, in explanations
  long time = 0;                     ///< seconds since 1970, in explanations
  int void_limit = 2;                ///< lookups without an answer
};

struct Verdict {
  Outcome outcome = Outcome::None;
  /// Of Fail: exp='s text, or "". Of PermError and TempError: what is wrong,
  /// "Unknown mechanism found: foo:bar".
  std::string text;
  bool only_all =
      false;  ///< the record is "v=spf1 -all": a domain without mail
};

/// check_host (RFC 7208, 4): the verdict, or the questions that must be
/// answered before there is one. Call again with their replies added; at most
/// some dozens of times, for the RFC's limits bound them.
std::variant<Verdict, std::vector<Question>> evaluate(const Identity& identity,
                                                      const Replies& replies);

}  // namespace mail::spf
