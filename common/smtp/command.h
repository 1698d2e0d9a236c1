#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/smtp/reply.h"

namespace mail::smtp {

enum class Protocol { Smtp, Lmtp };

/// In the order of smtpd's statistics (disconnect from ... ehlo=1 mail=1).
enum class Verb : uint8_t {
  Helo,
  Ehlo,
  Lhlo,
  Xclient,
  Xforward,
  StartTls,
  Auth,
  Mail,
  Rcpt,
  Data,
  Bdat,
  Rset,
  Noop,
  Vrfy,
  Etrn,
  Quit,
  Unknown,
};
/// "MAIL", "UNKNOWN".
std::string_view verb_name(Verb verb);

enum class BodyType : uint8_t { Unset, SevenBit, EightBit };
enum class DsnReturn : uint8_t { Unset, Full, Headers };
/// Bits of NOTIFY, as in queue files.
enum DsnNotify : uint8_t {
  kNotifyNever = 1,
  kNotifySuccess = 2,
  kNotifyFailure = 4,
  kNotifyDelay = 8,
};

struct Helo {
  Verb verb = Verb::Helo;  ///< Helo, Ehlo or Lhlo
  std::string name;        ///< as given; never empty
};
struct Mail {
  std::string address;  ///< internal form; empty: <>
  std::string text;     ///< as written
  std::optional<int64_t> size;
  BodyType body = BodyType::Unset;
  DsnReturn ret = DsnReturn::Unset;
  std::string envid;                ///< xtext as given
  std::optional<std::string> auth;  ///< xtext as given; "<>" too
  bool smtputf8 = false;
  std::string verp;  ///< XVERP's two delimiters
  bool xverp = false;
};
struct Rcpt {
  std::string address;  ///< internal form, never empty
  std::string text;     ///< as written
  std::string orcpt;    ///< "rfc822;a@b", decoded; empty: none
  uint8_t notify = 0;   ///< DsnNotify bits
};
struct Data {};
struct Bdat {
  int64_t size = 0;
  bool last = false;
};
struct Rset {};
struct Noop {};
struct Quit {};
struct StartTls {};
struct Vrfy {
  std::string address;  ///< internal form
  std::string text;
  bool smtputf8 = false;
};
struct Etrn {
  std::string domain;  ///< with its "@" or "#", if given
};
struct Auth {
  std::string mechanism;               ///< as written
  std::optional<std::string> initial;  ///< base64; "=" is empty
};
/// XCLIENT and XFORWARD: names in upper case, values xtext-decoded.
struct Attributes {
  Verb verb = Verb::Xclient;
  std::vector<std::pair<std::string, std::string>> values;
};
/// A line that is no command. header_like: it looks like a mail header.
struct Unknown {
  std::string verb;
  bool header_like = false;
};

using Command = std::variant<Helo, Mail, Rcpt, Data, Bdat, Rset, Noop, Quit,
                             StartTls, Vrfy, Etrn, Auth, Attributes, Unknown>;

struct CommandOptions {
  Protocol protocol = Protocol::Smtp;
  bool strict_rfc821_envelopes = false;
  bool smtputf8 = true;   ///< smtputf8_enable: lines must be UTF-8
  bool dsn = true;        ///< DSN is announced
  bool xverp = false;     ///< the client may use XVERP,
  bool xclient = false;   ///< XCLIENT,
  bool xforward = false;  ///< XFORWARD
};

/// A command, or the reply that refuses its syntax, in Postfix's words.
struct ParsedCommand {
  Verb verb = Verb::Unknown;
  std::variant<Command, Reply> result;
};
/// line: without line end.
ParsedCommand parse_command(std::string_view line,
                            const CommandOptions& options);
/// The verb alone.
Verb command_verb(std::string_view line, Protocol protocol);

}  // namespace mail::smtp
