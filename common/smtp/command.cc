#include "common/smtp/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/mime/address.h"
#include "common/mime/codec.h"
#include "common/mime/header.h"
#include "common/smtp/command_mail.h"
#include "common/smtp/tokens.h"

namespace mail::smtp {
namespace {

using Parsed = std::variant<Command, Reply>;

constexpr std::array<std::string_view, 17> kVerbs = {
    "HELO", "EHLO", "LHLO", "XCLIENT", "XFORWARD", "STARTTLS",
    "AUTH", "MAIL", "RCPT", "DATA",    "BDAT",     "RSET",
    "NOOP", "VRFY", "ETRN", "QUIT",    "UNKNOWN"};

Parsed parse_helo(Verb verb, std::string_view rest) {
  rest = trim(rest);
  if (rest.empty()) {
    return Reply(501, "", fmt::format("Syntax: {} hostname", verb_name(verb)));
  }
  Helo helo{verb, {}};
  while (!rest.empty()) {  // blanks between words shrink to one
    std::string_view token = take_token(rest);
    if (token.empty()) break;
    if (!helo.name.empty()) helo.name += ' ';
    helo.name += token;
  }
  return Command(std::move(helo));
}

Parsed parse_bdat(std::string_view rest) {
  Reply bad = hangup({521, "5.5.4", "Syntax: BDAT count [LAST]"});
  std::string_view count = take_token(rest), last = take_token(rest);
  if (count.empty() || count[0] == '-' || !trim(rest).empty()) return bad;
  if (!last.empty() && !iequals(last, "LAST")) return bad;
  auto size = parse_number<int64_t>(count);
  if (!size) return bad;
  return Command(Bdat{*size, !last.empty()});
}

Parsed parse_vrfy(std::string_view rest, const CommandOptions& options) {
  rest = trim(rest);
  if (rest.empty()) {
    return Reply(501, "5.5.4", "Syntax: VRFY address [SMTPUTF8]");
  }
  Vrfy vrfy;
  if (options.smtputf8 && iends_with(rest, " SMTPUTF8")) {
    vrfy.smtputf8 = true;
    rest = trim_right(rest.substr(0, rest.size() - 9));
  }
  auto address =
      mime::parse_envelope_address(rest, mime::EnvelopeSyntax::Lenient);
  if (!address || address->empty()) {
    return Reply(501, "5.1.3", "Bad recipient address syntax");
  }
  vrfy.address = *std::move(address);
  vrfy.text = rest;
  return Command(std::move(vrfy));
}

Parsed parse_etrn(std::string_view rest) {
  std::string_view domain = take_token(rest);
  if (domain.empty() || !trim(rest).empty()) {
    return Reply(500, "", "Syntax: ETRN domain");
  }
  std::string_view name = domain;
  if (name[0] == '@' || name[0] == '#') name.remove_prefix(1);
  if (!mime::is_domain(name) && !mime::is_domain_literal(name)) {
    return Reply(501, "", "Error: invalid parameter syntax");
  }
  return Command(Etrn{std::string(domain)});
}

Parsed parse_auth(std::string_view rest) {
  std::string_view mechanism = take_token(rest), initial = take_token(rest);
  if (mechanism.empty() || !trim(rest).empty()) {
    return Reply(501, "5.5.4", "Syntax: AUTH mechanism");
  }
  Auth auth{std::string(mechanism), std::nullopt};
  if (!initial.empty()) auth.initial = initial == "=" ? "" : initial;
  return Command(std::move(auth));
}

constexpr std::string_view kXclientNames =
    "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT REVERSE_NAME";
constexpr std::string_view kXforwardNames =
    "NAME ADDR PORT PROTO HELO IDENT SOURCE";

bool is_one_of(std::string_view list, std::string_view name) {
  for (std::string_view known : split(list, " ")) {
    if (known == name) return true;
  }
  return false;
}

Parsed parse_attributes(Verb verb, std::string_view rest, bool authorized) {
  Attributes found{verb, {}};
  if (trim(rest).empty()) {
    return Reply(501, "5.5.4",
                 fmt::format("Syntax: {} attribute=value...", verb_name(verb)));
  }
  if (!authorized) {
    return Reply(550, "5.7.0", "Error: insufficient authorization");
  }
  std::string_view known =
      verb == Verb::Xclient ? kXclientNames : kXforwardNames;
  while (true) {
    std::string_view token = take_token(rest);
    if (token.empty()) return Command(std::move(found));
    size_t equals = token.find('=');
    std::string_view value = token.substr(std::min(token.size(), equals + 1));
    if (equals == std::string_view::npos || value.empty()) {
      return Reply(501, "5.5.4", "Error: attribute=value expected");
    }
    std::string name = upper(token.substr(0, equals));
    if (!is_one_of(known, name)) {
      return Reply(501, "5.5.4",
                   fmt::format("Bad {} attribute name: {}", verb_name(verb),
                               token.substr(0, equals)));
    }
    auto decoded = mime::decode_xtext(value);
    if (!decoded) {
      return Reply(501, "5.5.4", fmt::format("Bad {} syntax: {}", name, value));
    }
    found.values.emplace_back(std::move(name), *std::move(decoded));
  }
}

/// Commands that take no argument.
template <class T>
Parsed parse_bare(Verb verb, std::string_view rest) {
  if (trim(rest).empty()) return Command(T{});
  return Reply(501, "5.5.4", fmt::format("Syntax: {}", verb_name(verb)));
}

Parsed parse_arguments(Verb verb, std::string_view rest,
                       const CommandOptions& options) {
  switch (verb) {
    case Verb::Helo:
    case Verb::Ehlo:
    case Verb::Lhlo:
      return parse_helo(verb, rest);
    case Verb::Xclient:
      return parse_attributes(verb, rest, options.xclient);
    case Verb::Xforward:
      return parse_attributes(verb, rest, options.xforward);
    case Verb::StartTls:
      return parse_bare<StartTls>(verb, rest);
    case Verb::Auth:
      return parse_auth(rest);
    case Verb::Mail:
      return parse_mail(rest, options);
    case Verb::Rcpt:
      return parse_rcpt(rest, options);
    case Verb::Data:
      return parse_bare<Data>(verb, rest);
    case Verb::Bdat:
      return parse_bdat(rest);
    case Verb::Rset:
      return parse_bare<Rset>(verb, rest);
    case Verb::Vrfy:
      return parse_vrfy(rest, options);
    case Verb::Etrn:
      return parse_etrn(rest);
    case Verb::Noop:
      return Command(Noop{});  // arguments are ignored
    case Verb::Quit:
      return Command(Quit{});
    case Verb::Unknown:
      break;
  }
  return Reply(500, "5.5.2", "Error: command not recognized");
}

}  // namespace

std::string_view verb_name(Verb verb) {
  return kVerbs[static_cast<size_t>(verb)];
}

Verb command_verb(std::string_view line, Protocol protocol) {
  std::string_view word = take_token(line);
  for (size_t i = 0; i + 1 < kVerbs.size(); ++i) {
    if (!iequals(word, kVerbs[i])) continue;
    auto verb = static_cast<Verb>(i);
    bool lmtp = protocol == Protocol::Lmtp;
    bool other_greeting =
        lmtp ? verb == Verb::Helo || verb == Verb::Ehlo : verb == Verb::Lhlo;
    return other_greeting ? Verb::Unknown : verb;
  }
  return Verb::Unknown;
}

ParsedCommand parse_command(std::string_view line,
                            const CommandOptions& options) {
  if (options.smtputf8 && !is_utf8(line)) {
    return {Verb::Unknown, Reply(500, "5.5.2", "Error: bad UTF-8 syntax")};
  }
  std::string_view rest = line;
  std::string_view word = take_token(rest);
  if (word.empty()) {
    return {Verb::Unknown, Reply(500, "5.5.2", "Error: bad syntax")};
  }
  Verb verb = command_verb(word, options.protocol);
  if (verb == Verb::Unknown) {
    return {verb, Command(Unknown{std::string(word),
                                  mime::header_name_length(line) > 0})};
  }
  return {verb, parse_arguments(verb, rest, options)};
}

}  // namespace mail::smtp
