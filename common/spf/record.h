#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/spf/address.h"
#include "common/spf/macro.h"

namespace mail::spf {

enum class Mechanism { All, Include, A, Mx, Ptr, Ip4, Ip6, Exists };

struct Directive {
  char qualifier = '+';  ///< + - ~ ?
  Mechanism mechanism = Mechanism::All;
  std::optional<MacroString> domain;  ///< none: the current domain
  Address network;                    ///< of ip4 and ip6
  int prefix4 = 32, prefix6 = 128;    ///< network bits that count
};

/// A record's text, checked whole (RFC 7208, 4.6 and 12).
struct Record {
  std::vector<Directive> directives;
  std::optional<MacroString> redirect, explanation;

  /// Whether a TXT record is an SPF record at all: "v=spf1", then a blank or
  /// the end.
  static bool is_one(std::string_view text);
  /// `text` is_one(). Errors: Protocol, "Unknown mechanism found: foo:bar".
  static Result<Record> parse(std::string_view text);
};

}  // namespace mail::spf
