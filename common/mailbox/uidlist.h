#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace mail::mailbox {

/// dovecot-uidlist, version 3 (version 1 is read too):
///   3 V<uidvalidity> N<next uid> G<mailbox guid> [other fields]
///   <uid>[ <K><value>]... :<base name of the file>
/// K: S physical size, W virtual size, P POP3 UIDL, O POP3 order, G guid.
/// Lines are appended under a lock without changing N.
struct Uidlist {
  struct Entry {
    uint32_t uid;
    std::string_view name;
    std::string_view fields;  ///< "S19 P0123", without blanks around
  };
  uint32_t uidvalidity = 0;
  uint32_t uidnext = 1;        ///< also above all uids of entries
  std::string guid;            ///< 32 hex digits; empty: none
  std::string fields;          ///< of the header, others than V N G
  std::vector<Entry> entries;  ///< ascending uids; views into the text
  size_t header_size = 0;
  /// How much of the text was read: less than all of it when the last line
  /// has no end yet.
  size_t complete = 0;
  /// "line 7: reason": lines that could not be understood and were left out.
  std::vector<std::string> broken;
};

/// Errors: Protocol `line 1: Corrupted header (reason)`.
Result<Uidlist> parse_uidlist(std::string_view text);
/// Entries only, as they are appended; uids must be above `uidnext` - 1.
void parse_uidlist_lines(std::string_view text, size_t first_line,
                         Uidlist& out);

std::string format_uidlist_header(const Uidlist& list);
std::string format_uidlist_line(const Uidlist::Entry& entry);

/// The value of field `key` in an entry's fields. A bare key: "".
std::optional<std::string_view> uidlist_field(std::string_view fields,
                                              char key);

}  // namespace mail::mailbox
