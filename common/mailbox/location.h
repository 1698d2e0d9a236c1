#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace mail::mailbox {

enum class Driver { Maildir, Mbox };
enum class LayoutKind { MaildirPlusPlus, Fs, None };

/// Where the mailboxes of one namespace are: a parsed mail_location. Paths
/// are absolute, without a slash at the end.
struct Location {
  Driver driver = Driver::Maildir;
  LayoutKind layout = LayoutKind::MaildirPlusPlus;
  std::string root;              ///< mailboxes
  std::string inbox;             ///< INBOX=; empty: as the driver has it
  std::string index;             ///< INDEX=; equals root if not given
  std::string control;           ///< CONTROL=; equals root if not given
  std::string subscriptions;     ///< file name, in control
  std::string directory_name;    ///< DIRNAME=
  bool index_in_memory = false;  ///< INDEX=MEMORY
  bool utf8_names = false;       ///< names on disk are UTF-8, not mUTF-7
  char broken_char = 0;          ///< BROKENCHAR=
  bool no_noselect = false;      ///< NO-NOSELECT
  bool validate_names = true;    ///< NO-FS-VALIDATION clears it
  bool iterate_index = false;    ///< ITERINDEX
  char separator() const {
    return layout == LayoutKind::MaildirPlusPlus ? '.' : '/';
  }
};

/// Whom a location is for; `~` and relative paths are taken from `home`.
struct Owner {
  std::string user;
  std::string home;              ///< empty: there is none
  std::string mail_variable;     ///< $MAIL, of commands a person types
  std::string maildir_variable;  ///< $MAILDIR
};

/// Parses a mail_location whose %variables are expanded already; an empty one
/// and "auto:" are detected (mdbox, sdbox, Maildir, mbox, in this order).
/// Errors: Config, in the original's words; what an autodetection has tried,
/// and the setting that would help, follow on the same line.
Result<Location> parse_location(std::string_view text, const Owner& owner);

/// Follows symbolic links.
bool is_directory(const std::string& path);

}  // namespace mail::mailbox
