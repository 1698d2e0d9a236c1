#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/dkim/algorithm.h"
#include "common/dkim/canonical.h"
#include "common/dkim/status.h"

namespace mail::dkim {

/// One DKIM-Signature field, read (RFC 6376, 3.5).
struct Signature {
  std::string domain;          ///< d=, as written
  std::string selector;        ///< s=, as written
  std::string identity;        ///< i=, decoded; "@d" when there was none
  std::string algorithm_text;  ///< a=, as written
  std::optional<Algorithm> algorithm;
  CanonPair canon;
  std::vector<std::string> headers;  ///< h=
  std::optional<uint64_t> length;    ///< l=
  std::optional<int64_t> created, expires;
  std::string body_hash;      ///< bh=, raw
  std::string data;           ///< b=, raw
  std::string data_text;      ///< b=, base64 without blanks
  std::string copied;         ///< z=, as written
  bool wants_report = false;  ///< r=y (RFC 6651)
  /// Unknown, or the first thing that is wrong with it by itself.
  Status status = Status::Unknown;
  std::string problem;  ///< Malformed: what the log is told

  /// "sel._domainkey.example.com"
  std::string key_name() const { return selector + "._domainkey." + domain; }
};

/// Reads one field; never fails, see status.
/// value: all after the colon. now, drift: seconds, for t= and x=.
Signature read_signature(std::string_view value, int64_t now, int64_t drift);

/// Whether `name` is `domain` or below it; any case.
bool is_within(std::string_view name, std::string_view domain);

/// Where the value of b= lies in a DKIM-Signature field's value: [begin, end).
/// nullopt: there is no b=.
struct Span {
  size_t begin = 0, end = 0;
};
std::optional<Span> find_data(std::string_view value);

}  // namespace mail::dkim
