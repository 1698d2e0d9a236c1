#include "common/spf/record.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::spf {

namespace {

struct Name {
  std::string_view text;
  Mechanism mechanism;
};
constexpr Name kMechanisms[] = {
    {"all", Mechanism::All}, {"include", Mechanism::Include},
    {"a", Mechanism::A},     {"mx", Mechanism::Mx},
    {"ptr", Mechanism::Ptr}, {"ip4", Mechanism::Ip4},
    {"ip6", Mechanism::Ip6}, {"exists", Mechanism::Exists},
};

std::optional<Mechanism> mechanism_named(std::string_view text) {
  for (const auto& name : kMechanisms) {
    if (iequals(name.text, text)) return name.mechanism;
  }
  return std::nullopt;
}

/// "24" of "/24", no leading zero.
std::optional<int> parse_prefix(std::string_view text, int most) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
  }
  auto value = parse_number<int>(text);
  if (!value || *value > most) return std::nullopt;
  return *value;
}

/// Takes "/24", "//64" or "/24//64" from the end. A slash may also belong to a
/// macro-string: only what looks like a prefix length is one. Returns 0, or the
/// version of IP whose length is bad.
int take_dual_cidr(std::string_view& text, Directive& out) {
  auto digits_from = [](std::string_view piece) {
    return !piece.empty() &&
           piece.find_first_not_of("0123456789") == std::string_view::npos;
  };
  size_t six = text.rfind("//");
  if (six != std::string_view::npos && digits_from(text.substr(six + 2))) {
    auto prefix = parse_prefix(text.substr(six + 2), 128);
    if (!prefix) return 6;
    out.prefix6 = *prefix;
    text = text.substr(0, six);
  }
  size_t four = text.rfind('/');
  if (four != std::string_view::npos && digits_from(text.substr(four + 1))) {
    auto prefix = parse_prefix(text.substr(four + 1), 32);
    if (!prefix) return 4;
    out.prefix4 = *prefix;
    text = text.substr(0, four);
  }
  return 0;
}

Result<MacroString> parse_domain(std::string_view text) {
  auto domain = MacroString::parse(text, MacroString::Use::Domain);
  if (!domain)
    return fail(Fault::Protocol,
                fmt::format("Unknown Macro Encountered: {}", text));
  if (!domain->ends_as_domain()) {
    return fail(Fault::Protocol,
                fmt::format("Invalid domain found (use FQDN): {}", text));
  }
  return std::move(*domain);
}

std::optional<std::string> parse_network(std::string_view text,
                                         std::string_view term,
                                         Directive& out) {
  bool six = out.mechanism == Mechanism::Ip6;
  size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    auto prefix = parse_prefix(text.substr(slash + 1), six ? 128 : 32);
    if (!prefix)
      return fmt::format("Invalid IP{} CIDR length: {}", six ? 6 : 4, term);
    (six ? out.prefix6 : out.prefix4) = *prefix;
  }
  auto address = Address::parse(text.substr(0, slash));
  // An ip6: of a mapped address can match no client, but is no error.
  bool has_colon = text.find(':') != std::string_view::npos;
  if (!address || has_colon != six) {
    return fmt::format("Invalid IP{} address: {}", six ? 6 : 4, term);
  }
  out.network = *address;
  return std::nullopt;
}

std::string missing_domain(Mechanism mechanism, bool has_colon,
                           std::string_view term) {
  if (has_colon) return fmt::format("empty domain:: {}", term);
  if (mechanism == Mechanism::Include) {
    return fmt::format("include mechanism missing domain: {}", term);
  }
  return mechanism == Mechanism::Exists
             ? fmt::format("implicit exists not allowed: {}", term)
             : fmt::format("CIDR not allowed: {}", term);
}

std::optional<std::string> parse_directive(std::string_view term,
                                           Record& record) {
  Directive out;
  std::string_view text = term;
  if (std::string_view("+-~?").find(text[0]) != std::string_view::npos) {
    out.qualifier = text[0];
    text.remove_prefix(1);
  }
  size_t end = text.find_first_of(":/");
  auto mechanism = mechanism_named(text.substr(0, end));
  if (!mechanism) return fmt::format("Unknown mechanism found: {}", term);
  out.mechanism = *mechanism;
  bool has_colon = end != std::string_view::npos && text[end] == ':';
  std::string_view rest =
      end == std::string_view::npos ? "" : text.substr(end + has_colon);
  switch (*mechanism) {
    case Mechanism::All:
      if (end != std::string_view::npos && !has_colon) {
        return fmt::format("CIDR not allowed: {}", term);
      }
      if (has_colon) {
        return fmt::format(
            "Invalid all mechanism format - only qualifier "
            "allowed with all: {}",
            term);
      }
      break;
    case Mechanism::Ip4:
    case Mechanism::Ip6:
      if (auto problem = parse_network(rest, term, out)) return problem;
      break;
    case Mechanism::A:
    case Mechanism::Mx:
      if (int version = take_dual_cidr(rest, out)) {
        return fmt::format("Invalid IP{} CIDR length: {}", version, term);
      }
      [[fallthrough]];
    case Mechanism::Ptr:
      if (!has_colon && rest.empty()) break;
      [[fallthrough]];
    case Mechanism::Include:
    case Mechanism::Exists: {
      if (!has_colon || rest.empty()) {
        return missing_domain(*mechanism, has_colon, term);
      }
      auto domain = parse_domain(rest);
      if (!domain) return std::move(domain).error().what;
      out.domain = std::move(*domain);
    }
  }
  record.directives.push_back(std::move(out));
  return std::nullopt;
}

bool is_modifier_name(std::string_view name) {
  if (name.empty() || !is_alpha(name[0])) return false;
  for (char c : name) {
    if (!is_alnum(c) && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

std::optional<std::string> parse_modifier(std::string_view term, size_t equal,
                                          Record& record) {
  auto name = term.substr(0, equal), value = term.substr(equal + 1);
  bool redirect = iequals(name, "redirect"), explains = iequals(name, "exp");
  // Unknown ones are ignored, whatever they hold, as pyspf does.
  if (!redirect && !explains) return std::nullopt;
  auto& place = redirect ? record.redirect : record.explanation;
  if (place)
    return fmt::format("{}= MUST appear at most once: {}", lower(name), term);
  auto domain = parse_domain(value);
  if (!domain) return std::move(domain).error().what;
  place = std::move(*domain);
  return std::nullopt;
}

}  // namespace

bool Record::is_one(std::string_view text) {
  constexpr std::string_view kVersion = "v=spf1";
  return istarts_with(text, kVersion) &&
         (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

Result<Record> Record::parse(std::string_view text) {
  Record out;
  for (auto term : split(text.substr(std::string_view("v=spf1").size()), " ")) {
    size_t equal = term.find('=');
    bool modifier = equal != std::string_view::npos &&
                    is_modifier_name(term.substr(0, equal));
    auto problem = modifier ? parse_modifier(term, equal, out)
                            : parse_directive(term, out);
    if (problem) return fail(Fault::Protocol, std::move(*problem));
  }
  return out;
}

}  // namespace mail::spf
