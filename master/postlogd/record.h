#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/log/log.h"

namespace mail::postlogd {

/// What a program sends to postlog(8), one datagram:
///   Mon DD HH:MM:SS HOST IDENT[pid]: [warning: ]text
struct Record {
  std::string ident;  ///< with its "[pid]"
  log::Level level = log::Level::Info;
  std::string text;  ///< without the level's word
};

/// nullopt: not of that form.
std::optional<Record> parse_record(std::string_view datagram);

/// Whether `path` begins with one of the prefixes, at a '/' or as a whole.
bool has_prefix(std::string_view path, std::string_view prefixes);

}  // namespace mail::postlogd
