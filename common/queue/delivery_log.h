#pragma once

#include <optional>

#include "common/ipc/groups.h"
#include "common/queue/spool.h"

namespace mail::queue {

/// bounce/ID, defer/ID, trace/ID: what became of a message's recipients, one
/// block of lines each, a blank line before and after:
///   <ADDR>: REASON            only with backwards_bounce_logfile_compatibility
///   recipient=ADDR            <> if empty
///   original_recipient=ADDR   if it differs
///   offset=N                  of the recipient's record, if > 0
///   dsn_orig_rcpt=rfc822;A    if not empty
///   notify_flags=N            if not 0
///   status=4.3.2  action=delayed
///   diag_type=smtp  diag_text=REPLY      both or none
///   mta_type=dns  mta_mname=HOST         both or none
///   reason=TEXT
struct LogEntry {
  ipc::Recipient recipient;
  ipc::Dsn dsn;
};

enum class OldLines { With, Without };

/// One entry as it stands in the file. Bytes of texts that are not printable
/// become '?' or blanks, so that no text can pass for a line.
std::string format_log_entry(const LogEntry& entry,
                             OldLines old = OldLines::With);

/// Appends `text` (entries, formatted) under an exclusive lock, with fsync;
/// when that fails the file is cut back to what it was. Waits for lock and
/// disk: run it on a worker. Errors: of the file system.
Result<> append_log(const std::string& path, std::string_view text);
/// The same for Layout::path(queue, id), whose directories it makes.
Result<> append_log(const Layout& layout, std::string_view queue,
                    std::string_view id, std::string_view text);

/// Reads such a file, in whatever pieces it comes; takes what older versions
/// wrote ("<ADDR>: REASON" alone). Lines over 64 KiB are cut.
class LogParser {
 public:
  void receive(std::string_view bytes);  ///< copies
  void finish() { finished_ = true; }    ///< no more bytes
  /// The next entry; nullopt: needs bytes, or all were seen.
  std::optional<LogEntry> next();

 private:
  void take_line(std::string_view line);
  std::string buffer_;
  size_t taken_ = 0;
  bool finished_ = false, filled_ = false;
  LogEntry entry_;
};

}  // namespace mail::queue
