#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/mailbox/location.h"
#include "common/mailbox/permissions.h"

namespace mail::mailbox {

/// Which mailbox is where on disk. Names are storage names: relative to the
/// namespace, parts with location().separator() between, encoded as on disk;
/// "INBOX" is the inbox.
class Layout {
 public:
  explicit Layout(Location location) : location_(std::move(location)) {}
  const Location& location() const { return location_; }

  /// Maildir's directory, mbox's file.
  std::string mailbox_path(std::string_view name) const;
  /// Directories of control files and of the original's index files.
  std::string control_path(std::string_view name) const;
  std::string index_path(std::string_view name) const;

  enum class Kind { None, NoSelect, Mailbox };
  Kind kind_of(std::string_view name) const;
  struct Found {
    Kind kind = Kind::None;
    bool no_inferiors = false;
    std::optional<bool> marked;
  };
  /// All there are but INBOX. Errors: of reading the directories; a root that
  /// is not there holds none.
  Result<std::map<std::string, Found>> list() const;

  /// Errors: Permanent EEXIST `Mailbox already exists`.
  Result<> create(std::string_view name) const;
  /// A directory for mailboxes to be in (`CREATE name/`).
  Result<> create_directory(std::string_view name) const;
  /// INBOX with all directories above, if it is not there. group: that may make
  /// an mbox in its directory (mail_privileged_group).
  Result<> create_inbox(std::optional<gid_t> group) const;
  /// cur, new, tmp that someone has removed.
  Result<> mend(std::string_view name) const;
  /// Errors: Permanent ENOENT, or `Mailbox has children, delete them first`.
  Result<> remove(std::string_view name) const;
  /// With the mailboxes below it.
  Result<> rename(std::string_view from, std::string_view to) const;

 private:
  std::string below(const std::string& root, std::string_view name) const;
  Result<> list_maildirpp(std::map<std::string, Found>& out) const;
  Result<> list_fs(const std::string& directory, const std::string& prefix,
                   int depth, std::map<std::string, Found>& out) const;
  Result<> make_maildir(const std::string& path, bool folder_file,
                        const Permissions& permissions) const;

  Location location_;
};

}  // namespace mail::mailbox
