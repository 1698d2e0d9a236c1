#include "common/tls/protocols.h"

#include <optional>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/tls/options.h"

namespace mail::tls {

namespace {

constexpr std::string_view kSeparators = ", \t\r\n:";

struct Version {
  std::string_view name;
  uint16_t number;
};
// SSLv2 is known but long gone: it takes part in no negotiation.
constexpr Version kVersions[] = {{"SSLv2", 0x0002},   {"SSLv3", 0x0300},
                                 {"TLSv1", 0x0301},   {"TLSv1.1", 0x0302},
                                 {"TLSv1.2", 0x0303}, {"TLSv1.3", 0x0304}};
constexpr unsigned kAll = 0x1F;

std::optional<uint16_t> version_of(std::string_view name) {
  for (const auto& version : kVersions) {
    if (iequals(version.name, name)) return version.number;
  }
  return std::nullopt;
}

// Limits may also be numbers, for versions that have no name yet.
std::optional<uint16_t> limit_of(std::string_view name) {
  if (auto version = version_of(name)) return version;
  if (istarts_with(name, "0x")) {
    return parse_number<uint16_t>(name.substr(2), 16);
  }
  return parse_number<uint16_t>(name);
}

unsigned bit_of(uint16_t version) {
  return version < 0x0300 ? 0 : 1u << (version - 0x0300);
}

}  // namespace

Result<Protocols> parse_protocols(std::string_view text) {
  Protocols out;
  unsigned included = 0;
  bool any_included = false;
  for (auto word : split(text, kSeparators)) {
    auto invalid = [&] {
      return fail(Fault::Config,
                  "invalid TLS protocol list: " + printable(text));
    };
    if (word.starts_with(">=") || word.starts_with("<=")) {
      auto limit = limit_of(word.substr(2));
      if (!limit) return invalid();
      (word[0] == '>' ? out.least : out.most) = *limit;
    } else if (word.starts_with('!')) {
      auto version = version_of(word.substr(1));
      if (!version) return invalid();
      out.excluded |= bit_of(*version);
    } else {
      auto version = version_of(word);
      if (!version) return invalid();
      included |= bit_of(*version);
      any_included = true;
    }
  }
  if (any_included) out.excluded |= kAll & ~included;
  return out;
}

Result<std::string> cipher_list(std::string_view grade,
                                std::string_view excluded,
                                const CipherLists& lists) {
  std::string out;
  if (iequals(grade, "high")) {
    out = lists.high;
  } else if (iequals(grade, "medium")) {
    out = lists.medium;
  } else if (iequals(grade, "low")) {
    out = lists.low;
  } else if (iequals(grade, "export")) {
    out = lists.export_grade;
  } else if (iequals(grade, "null")) {
    out = lists.null;
  } else {
    return fail(Fault::Config,
                "invalid TLS cipher grade: \"" + printable(grade) + "\"");
  }
  for (auto word : split(excluded, kSeparators)) {
    out += ":!";
    out += word;
  }
  return out;
}

}  // namespace mail::tls
