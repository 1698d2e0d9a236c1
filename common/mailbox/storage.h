#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/mailbox/location.h"
#include "common/mailbox/mailbox.h"

namespace mail::mailbox {

class Registry;
class Namespace;
class Quota;
struct QuotaSettings;
struct MailboxPaths;

/// namespace { mailbox NAME { } }
struct MailboxSettings {
  std::string name;  ///< UTF-8, without the namespace's prefix
  enum class Auto { No, Create, Subscribe } automatic = Auto::No;
  std::string special_use;  ///< "\Sent"; several with blanks between
  std::string comment;
  int64_t autoexpunge = 0;  ///< seconds
  uint64_t autoexpunge_max_mails = 0;
};

/// namespace NAME { }
struct NamespaceSettings {
  std::string name;
  enum class Type { Private, Shared, Public } type = Type::Private;
  std::string separator;  ///< empty: the layout's
  std::string prefix;     ///< UTF-8
  std::string location;   ///< empty: mail_location; %variables expanded
  bool inbox = false, hidden = false, subscriptions = true;
  enum class List { No, Yes, Children } list = List::Yes;
  std::string alias_for;
  bool alias = false;  ///< alias_for is set, may be ""
  bool ignore_on_failure = false, disabled = false;
  unsigned order = 0;
  std::vector<MailboxSettings> mailboxes;
};

/// How mailboxes are handled; the settings of the same names.
struct Options {
  unsigned mail_max_keyword_length = 50;
  unsigned mail_max_lock_timeout = 0;  ///< seconds, 0: none
  enum class Fsync { Optimized, Never, Always } mail_fsync = Fsync::Optimized;
  bool mail_save_crlf = false;
  unsigned mail_temp_scan_interval = 7 * 86400;
  uint64_t mail_cache_max_size = 1 << 30;
  bool maildir_stat_dirs = false;
  bool maildir_copy_with_hardlinks = true;
  bool maildir_very_dirty_syncs = false;
  bool maildir_broken_filename_sizes = false;
  bool maildir_empty_new = false;
  bool mbox_dirty_syncs = true;
  bool mbox_very_dirty_syncs = false;
  bool mbox_lazy_writes = true;
  unsigned mbox_lock_timeout = 300;
  unsigned mbox_dotlock_change_timeout = 120;
  std::string mbox_read_locks = "fcntl";
  std::string mbox_write_locks = "fcntl dotlock";
  bool mbox_md5_all = false;
  std::string mail_temp_dir = "/tmp";
  std::string hostname;  ///< in file names and From_ lines
  /// mail_privileged_group as a number: effective while a dot lock or INBOX is
  /// made.
  std::optional<gid_t> privileged_group;
};

struct UserSettings {
  Owner owner;
  std::string mail_location;
  std::vector<NamespaceSettings> namespaces;  ///< none: one with INBOX
  Options options;
  /// mail_plugins = quota; null: none.
  std::shared_ptr<const QuotaSettings> quota;
  bool delivers = false;  ///< who saves is an MTA (quota_grace)
  enum class Severity { Info, Warning, Error };
  /// Takes lines without a prefix ("Mailbox INBOX: ...").
  std::function<void(Severity, std::string_view)> log;
};

struct ListOptions {
  bool only_subscribed = false;   ///< LSUB, LIST (SUBSCRIBED)
  bool recursive_match = false;   ///< parents of a subscribed one too
  bool only_special_use = false;  ///< LIST (SPECIAL-USE)
  bool return_children = true;
  bool return_subscribed = false;
};

struct ListEntry {
  std::string name;  ///< UTF-8, with prefix and the namespace's separator
  char separator = '/';
  bool no_select = false, non_existent = false, no_inferiors = false;
  std::optional<bool> has_children;  ///< nullopt: not asked
  bool subscribed = false;
  bool child_subscribed = false;  ///< CHILDINFO ("SUBSCRIBED")
  std::optional<bool> marked;
  std::string special_use;
};

struct NamespaceInfo {
  NamespaceSettings::Type type;
  std::string prefix;
  char separator;
  bool hidden;
  bool inbox;
};

enum class OpenMode { ReadWrite, ReadOnly };

/// All mailboxes of one user. Names are UTF-8 with the namespace's separator;
/// "INBOX" in any case is the inbox. Errors as Mailbox's.
class Storage {
 public:
  /// Errors: Config, in the original's words ("namespace configuration
  /// error: ...", "Namespace '': ...").
  static Result<std::unique_ptr<Storage>> open(Registry& registry,
                                               UserSettings settings);
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  ~Storage();

  std::vector<NamespaceInfo> namespaces() const;  ///< in NAMESPACE's order
  /// The separator for LIST "" "".
  char separator() const;

  /// Sorted; patterns with * and % as in RFC 3501, `reference` in front.
  Result<std::vector<ListEntry>> list(std::string_view reference,
                                      const std::vector<std::string>& patterns,
                                      const ListOptions& options);
  Result<> create(std::string_view name);
  Result<> remove(std::string_view name);
  Result<> rename(std::string_view from, std::string_view to);
  /// An administrator may subscribe what is not there (yet).
  enum class Absent { Refuse, Allow };
  Result<> subscribe(std::string_view name, Absent absent = Absent::Refuse);
  Result<> unsubscribe(std::string_view name);
  /// Creates auto= mailboxes and INBOX when they are not there.
  Result<std::unique_ptr<Mailbox>> open_mailbox(std::string_view name,
                                                OpenMode mode);
  /// From the index alone when nothing has changed.
  Result<Status> status(std::string_view name, bool with_size);
  /// Says whether it exists, and why a name cannot.
  Result<bool> exists(std::string_view name);
  /// As `doveadm mailbox path`.
  enum class PathType { Mailbox, Control, Index };
  Result<std::string> path(std::string_view name, PathType type);
  /// The settings of mailbox NAME { }; null: none.
  const MailboxSettings* settings_of(std::string_view name) const;

  /// Messages for a mailbox that nobody needs to have open (delivery). With
  /// Uids::Later nothing of the mailbox is read.
  Result<std::unique_ptr<Saving>> save(std::string_view name, Uids uids);

  const UserSettings& settings() const { return *settings_; }
  /// Null: there is none.
  Quota* quota() const { return quota_.get(); }

 private:
  struct Place {
    Namespace* space;
    std::string name;     // as it is said
    std::string storage;  // as it is on disk
  };
  struct Nodes;

  Storage(Registry& registry, UserSettings settings);
  Result<Place> resolve(std::string_view name) const;
  Result<std::shared_ptr<State>> state(const Place& place);
  MailboxPaths paths_of(const Place& place) const;
  Result<> make_if_automatic(const Place& place);
  Result<> set_subscribed(std::string_view name, bool subscribed);
  Namespace* subscriptions_for(std::string_view name) const;
  Result<std::vector<std::string>> subscribed_names(const Namespace& space);
  Result<> collect(const Namespace& space, Nodes& nodes);

  Registry& registry_;
  std::shared_ptr<const UserSettings> settings_;
  std::vector<std::unique_ptr<Namespace>> namespaces_;
  std::shared_ptr<Quota> quota_;
  std::shared_ptr<State> saved_to_;  ///< an mbox, kept for the next message
};

}  // namespace mail::mailbox
