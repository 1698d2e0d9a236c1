#include "common/smtp/command_mail.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/mime/address.h"
#include "common/mime/codec.h"
#include "common/smtp/tokens.h"

namespace mail::smtp {
namespace {

using mime::EnvelopeSyntax;

constexpr std::string_view kVerpDelimiters = "-=+";

EnvelopeSyntax syntax_of(const CommandOptions& options) {
  return options.strict_rfc821_envelopes ? EnvelopeSyntax::Strict
                                         : EnvelopeSyntax::Lenient;
}

/// Takes "FROM:" and the path off; the path as written, empty if missing.
std::string_view take_path(std::string_view& rest, std::string_view keyword) {
  rest = trim_left(rest);
  if (!istarts_with(rest, keyword)) return {};
  rest.remove_prefix(keyword.size());
  return take_token(rest);
}

struct Parameter {
  std::string_view text, name, value;
};

Parameter take_parameter(std::string_view& rest) {
  std::string_view token = take_token(rest);
  size_t equals = token.find('=');
  if (equals == std::string_view::npos) return {token, token, {}};
  return {token, token.substr(0, equals), token.substr(equals + 1)};
}

Reply unsupported(const Parameter& parameter) {
  return {555, "5.5.4", fmt::format("Unsupported option: {}", parameter.text)};
}

std::optional<Reply> read_size(Mail& mail, const Parameter& p) {
  bool digits = !p.value.empty();
  for (char c : p.value) digits = digits && is_digit(c);
  if (!digits) return Reply(501, "5.5.4", "Bad message size syntax");
  auto size = parse_number<int64_t>(p.value);
  if (!size) {
    return Reply(552, "5.3.4",
                 "Message size exceeds file system imposed limit");
  }
  mail.size = *size;
  return std::nullopt;
}

std::optional<Reply> read_body(Mail& mail, const Parameter& p) {
  if (iequals(p.value, "8BITMIME")) {
    mail.body = BodyType::EightBit;
  } else if (iequals(p.value, "7BIT")) {
    mail.body = BodyType::SevenBit;
  } else {
    return unsupported(p);
  }
  return std::nullopt;
}

const Reply kNoDsn(501, "5.7.1", "DSN support is disabled");

std::optional<Reply> read_ret(Mail& mail, const Parameter& p, bool dsn) {
  if (!dsn) return kNoDsn;
  bool full = iequals(p.value, "FULL");
  if (mail.ret != DsnReturn::Unset || (!full && !iequals(p.value, "HDRS"))) {
    return Reply(501, "5.5.4", "Bad RET parameter syntax");
  }
  mail.ret = full ? DsnReturn::Full : DsnReturn::Headers;
  return std::nullopt;
}

std::optional<Reply> read_envid(Mail& mail, const Parameter& p, bool dsn) {
  if (!dsn) return kNoDsn;
  auto decoded = mime::decode_xtext(p.value);
  bool good = mail.envid.empty() && decoded && !decoded->empty();
  for (char c : decoded.value_or("")) good = good && is_print(c);
  if (!good) return Reply(501, "5.5.4", "Bad ENVID parameter syntax");
  mail.envid = p.value;
  return std::nullopt;
}

std::optional<Reply> read_xverp(Mail& mail, const Parameter& p) {
  mail.xverp = true;
  if (p.name.size() == p.text.size()) return std::nullopt;
  bool good = p.value.size() == 2;
  for (char c : p.value) {
    good = good && kVerpDelimiters.find(c) != std::string_view::npos;
  }
  if (!good) {
    return Reply(501, "5.5.4", "Error: XVERP needs two characters from -=+");
  }
  mail.verp = p.value;
  return std::nullopt;
}

std::optional<Reply> read_mail_parameter(Mail& mail, const Parameter& p,
                                         const CommandOptions& options) {
  bool has_value = p.name.size() != p.text.size();
  if (iequals(p.name, "BODY") && has_value) return read_body(mail, p);
  if (iequals(p.name, "SIZE") && has_value) return read_size(mail, p);
  if (iequals(p.text, "SMTPUTF8") && options.smtputf8) {
    mail.smtputf8 = true;
    return std::nullopt;
  }
  if (iequals(p.name, "AUTH") && has_value) {
    if (mail.auth) {
      return Reply(503, "5.5.4", "Error: multiple AUTH= options");
    }
    mail.auth = p.value;
    return std::nullopt;
  }
  if (options.xverp && iequals(p.name, "XVERP")) return read_xverp(mail, p);
  if (iequals(p.name, "RET") && has_value) {
    return read_ret(mail, p, options.dsn);
  }
  if (iequals(p.name, "ENVID") && has_value) {
    return read_envid(mail, p, options.dsn);
  }
  return unsupported(p);
}

const Reply kBadNotify(501, "5.5.4", "Error: Bad NOTIFY parameter syntax");
const Reply kBadOrcpt(501, "5.5.4", "Error: Bad ORCPT parameter syntax");

std::optional<Reply> read_notify(Rcpt& rcpt, std::string_view value) {
  uint8_t bits = 0;
  for (std::string_view word : split_exact(value, ',')) {
    if (iequals(word, "NEVER")) {
      bits |= kNotifyNever;
    } else if (iequals(word, "SUCCESS")) {
      bits |= kNotifySuccess;
    } else if (iequals(word, "FAILURE")) {
      bits |= kNotifyFailure;
    } else if (iequals(word, "DELAY")) {
      bits |= kNotifyDelay;
    } else {
      return kBadNotify;
    }
  }
  bool mixed = (bits & kNotifyNever) != 0 && bits != kNotifyNever;
  if (rcpt.notify != 0 || mixed) return kBadNotify;
  rcpt.notify = bits;
  return std::nullopt;
}

std::optional<Reply> read_orcpt(Rcpt& rcpt, std::string_view value) {
  size_t semicolon = value.find(';');
  if (!rcpt.orcpt.empty() || semicolon == 0 ||
      semicolon == std::string_view::npos) {
    return kBadOrcpt;
  }
  auto decoded = mime::decode_xtext(value.substr(semicolon + 1));
  if (!decoded) return kBadOrcpt;
  // Anything else could not stand in a queue file or a bounce.
  for (char c : *decoded) {
    if (!is_print(c) && static_cast<unsigned char>(c) < 128) return kBadOrcpt;
  }
  rcpt.orcpt = fmt::format("{};{}", value.substr(0, semicolon), *decoded);
  return std::nullopt;
}

}  // namespace

std::variant<Command, Reply> parse_mail(std::string_view rest,
                                        const CommandOptions& options) {
  std::string_view path = take_path(rest, "FROM:");
  if (path.empty()) {
    return Reply(501, "5.5.4", "Syntax: MAIL FROM:<address>");
  }
  auto address = mime::parse_envelope_address(path, syntax_of(options));
  if (!address) return Reply(501, "5.1.7", "Bad sender address syntax");
  Mail mail;
  mail.address = *std::move(address);
  mail.text = path;
  while (true) {
    Parameter parameter = take_parameter(rest);
    if (parameter.text.empty()) return Command(std::move(mail));
    auto refusal = read_mail_parameter(mail, parameter, options);
    if (refusal) return *std::move(refusal);
  }
}

std::variant<Command, Reply> parse_rcpt(std::string_view rest,
                                        const CommandOptions& options) {
  std::string_view path = take_path(rest, "TO:");
  if (path.empty()) return Reply(501, "5.5.4", "Syntax: RCPT TO:<address>");
  auto address = mime::parse_envelope_address(path, syntax_of(options));
  if (!address || address->empty()) {
    return Reply(501, "5.1.3", "Bad recipient address syntax");
  }
  Rcpt rcpt;
  rcpt.address = *std::move(address);
  rcpt.text = path;
  while (true) {
    Parameter parameter = take_parameter(rest);
    if (parameter.text.empty()) return Command(std::move(rcpt));
    std::optional<Reply> refusal;
    bool has_value = parameter.name.size() != parameter.text.size();
    if (has_value && iequals(parameter.name, "NOTIFY")) {
      refusal = options.dsn ? read_notify(rcpt, parameter.value) : kNoDsn;
    } else if (has_value && iequals(parameter.name, "ORCPT")) {
      refusal = options.dsn ? read_orcpt(rcpt, parameter.value) : kNoDsn;
    } else {
      refusal = unsupported(parameter);
    }
    if (refusal) return *std::move(refusal);
  }
}

}  // namespace mail::smtp
