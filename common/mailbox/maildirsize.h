#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/mailbox/permissions.h"
#include "common/mailbox/quota_settings.h"

namespace mail::mailbox {

/// The file maildirsize of a Maildir++ (its specification, by Courier):
///   51200S,20C        limits in octets and messages
///   53596 7           what there was when it was written
///   -1147 -1          each change since, a line
struct Maildirsize {
  QuotaAmount limit;
  int64_t bytes = 0, messages = 0;
  size_t lines = 0;  ///< behind the first
};

/// nullopt: no such file's text, it must be made anew.
std::optional<Maildirsize> parse_maildirsize(std::string_view text);
std::string format_maildirsize(const QuotaAmount& limit,
                               const QuotaAmount& used);

/// nullopt: none, broken, or so long (5120 octets) that it is to be made anew.
/// age: seconds since its last change.
std::optional<Maildirsize> read_maildirsize(const std::string& path,
                                            int64_t& age);
/// Adds a line, if there is a file.
void append_maildirsize(const std::string& path, int64_t bytes,
                        int64_t messages);

}  // namespace mail::mailbox
