#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/mailbox/record.h"

namespace mail::mailbox {

/// When and how large a file or directory was.
struct Stamp {
  uint64_t inode = 0, size = 0;
  int64_t seconds = 0, nanoseconds = 0;
  static Stamp of(const std::string& path);
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

/// What the index says of a whole mailbox.
struct IndexHeader {
  uint32_t uidvalidity = 0, uidnext = 1, first_recent = 1;
  uint64_t highest_modseq = 1, history_floor = 1;
  uint64_t writes = 0;  ///< counts; for those who look whether others wrote
  std::string guid;
  std::vector<std::string> keywords;
  /// Of the files when all of them were in the index; zeros: look yourself.
  /// Maildir: new/, cur/, dovecot-uidlist. mbox: the file.
  Stamp stamps[3];
  /// Sums, good as long as the stamps are.
  uint32_t messages = 0, unseen = 0, recent = 0;
  uint64_t virtual_size = Record::kUnknown;
};

/// Everything but the uid, about 70 bytes with a name of 40:
///   2 bytes  hash of what follows
///   1 byte   which: 1 in_new, 2 odd, 4 virtual size, 8 and 16 dates known
///   1 byte   flags
///   varints  keywords, modseq, size + 1 (0: not known), offset, length of the
///            name; what is known of: virtual size less size, internal date,
///            save date less internal date (their signs folded)
///   the name, then `odd`: what Record::odd_info announces
std::string pack_record(const Record& record, std::string_view odd);
/// Views are into `bytes`. False: they are damaged.
bool unpack_record(std::string_view bytes, Record& out, std::string_view& odd);

/// A fixed part with version and hash, then the keywords' names, one a line.
std::string pack_header(const IndexHeader& header);
/// False: damaged, or written by a program of another version.
bool unpack_header(std::string_view bytes, IndexHeader& out);

}  // namespace mail::mailbox
