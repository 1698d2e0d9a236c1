#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/mailbox/flags.h"
#include "common/mailbox/message_reader.h"
#include "common/mailbox/saving.h"

namespace mail::mailbox {

class Quota;
class State;
struct UserSettings;

/// One message as it is now.
struct Message {
  uint32_t uid = 0;
  Flags flags = 0;
  KeywordMask keywords = 0;
  uint64_t modseq = 0;
  bool recent = false;  ///< for this session
};

/// What has changed in a session's view, in the order of telling a client.
struct Changes {
  struct Expunged {
    uint32_t seq;  ///< in the view before this sync
    uint32_t uid;
  };
  std::vector<Expunged> expunged;  ///< ascending
  std::vector<uint32_t> appended;  ///< uids, ascending
  std::vector<uint32_t> flags;     ///< uids with other flags, ascending
  bool keywords = false;           ///< the mailbox has new keyword names
  bool empty() const {
    return expunged.empty() && appended.empty() && flags.empty() && !keywords;
  }
};

struct Status {
  uint32_t messages = 0, recent = 0, unseen = 0;
  uint32_t uidnext = 1, uidvalidity = 0;
  uint64_t size = 0;  ///< sum of virtual sizes; only if asked for
  uint64_t highest_modseq = 1;
  std::string guid;  ///< 32 hex digits
};

/// A change of flags.
struct Store {
  enum class Action { Add, Remove, Replace };
  Action action = Action::Add;
  FlagSet what;
  /// RFC 7162: only messages whose modseq is not above it.
  std::optional<uint64_t> unchanged_since;
  /// This session's sync() shall not report it.
  bool silent = false;
};
struct Stored {
  std::vector<uint32_t> changed;   ///< flags are others now
  std::vector<uint32_t> modified;  ///< left alone: unchanged_since
  std::vector<uint32_t> expunged;  ///< no longer there
  uint64_t modseq = 0;             ///< of `changed`
};

struct Copied {
  uint32_t uidvalidity = 0;  ///< of the destination
  std::vector<uint32_t> from, to;
};

/// A mailbox as one session sees it: sequence numbers stay as they are until
/// sync() is called, flags are always the present ones. Sessions of one
/// process share what is known of the mailbox; other programs may change it
/// at any moment. Calls block shortly on files. Errors: Permanent for what a
/// client may be told (`what` is the original's text; sys: ENOENT no such
/// mailbox, EEXIST, EACCES, EINVAL bad name, EBUSY locked, EDQUOT, EROFS,
/// E2BIG a limit), Temporary with a text for the log else.
class Mailbox {
 public:
  Mailbox(std::shared_ptr<State> state, std::string name, bool read_only,
          std::shared_ptr<const UserSettings> settings,
          std::shared_ptr<Quota> quota = nullptr);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox();

  const std::string& name() const { return name_; }
  bool read_only() const { return read_only_; }
  uint32_t uidvalidity() const;
  uint32_t uidnext() const;
  uint64_t highest_modseq() const;
  const std::string& guid() const;
  /// Names by bit of KeywordMask; grows, never changes in between.
  const std::vector<std::string>& keywords() const;
  /// False: a Store with an unknown keyword will fail (read-only, or full).
  bool can_add_keywords() const;

  // The view.
  uint32_t count() const { return static_cast<uint32_t>(view_->size()); }
  /// seq: 1 to count().
  uint32_t uid(uint32_t seq) const { return (*view_)[seq - 1]; }
  /// 0: not in the view.
  uint32_t seq(uint32_t uid) const;
  /// The first sequence number whose uid is not below `uid`; count() + 1.
  uint32_t seq_from(uint32_t uid) const;
  const std::vector<uint32_t>& uids() const { return *view_; }
  /// nullopt: expunged, though the client may not know yet.
  std::optional<Message> find(uint32_t uid) const;
  uint32_t recent() const;
  /// 0: all are seen.
  uint32_t first_unseen() const;

  // Of one message; read from its file when not known. Errors: Permanent
  // ENOENT when it has been expunged.
  /// RFC822.SIZE: each line's end counted as CRLF.
  Result<uint64_t> virtual_size(uint32_t uid);
  Result<uint64_t> physical_size(uint32_t uid);
  Result<int64_t> internal_date(uint32_t uid);
  Result<int64_t> save_date(uint32_t uid);
  /// X-GUID: stable over a COPY's life; Maildir: the base file name.
  Result<std::string> message_guid(uint32_t uid);
  Result<std::unique_ptr<MessageReader>> open_message(uint32_t uid);

  // Computed values in the index, by message and name of the field
  // ("headers", "bodystructure", "hdr.subject"). Losing them is harmless.
  // The view is valid until the next call.
  std::optional<std::string_view> cached(uint32_t uid, std::string_view field);
  void put_cached(uint32_t uid, std::string_view field, std::string_view value);

  // Changes.
  enum class Expunges { Tell, Hold };
  /// Takes into the view what this and other sessions and programs have done.
  Result<Changes> sync(Expunges expunges = Expunges::Tell);
  Result<Stored> store(std::span<const uint32_t> uids, const Store& what);
  /// Those that were there and are gone now; sync() tells of them too.
  Result<std::vector<uint32_t>> expunge(std::span<const uint32_t> uids);
  Result<std::unique_ptr<Saving>> save(Uids uids = Uids::Now);
  /// All or none. On the same file system a Maildir's file is linked.
  Result<Copied> copy(std::span<const uint32_t> uids, Mailbox& to);
  Result<Copied> move(std::span<const uint32_t> uids, Mailbox& to);
  /// RFC 7162: uids expunged after `modseq`; nullopt: the history does not
  /// reach so far back, all uids that are not in the view may have been.
  std::optional<std::vector<uint32_t>> expunged_since(uint64_t modseq) const;
  Result<Status> status(bool with_size);

  // POP3 (dovecot-uidlist's P and O fields).
  std::optional<std::string> saved_uidl(uint32_t uid);
  Result<> save_uidls(std::span<const std::pair<uint32_t, std::string>> uidls);

  /// Called from the loop (Registry::serve) when sync() may have news. An
  /// empty function ends it.
  void on_change(std::function<void()> function);

 private:
  friend class State;
  Result<QuotaSize> size_of(std::span<const uint32_t> uids);
  Result<Copied> transfer(std::span<const uint32_t> uids, Mailbox& to,
                          bool may_exceed);
  /// All of `out.from`.
  Result<> copy_to(Mailbox& to, Copied& out);

  std::shared_ptr<State> state_;
  std::shared_ptr<Quota> quota_;
  std::string name_;
  bool read_only_;
  std::shared_ptr<const std::vector<uint32_t>> view_;
  uint64_t seen_change_ = 0;  // place in the state's list of changes
  size_t seen_keywords_ = 0;
  mutable uint32_t seq_hint_ = 0;  // what seq() has found last
  uint32_t uidvalidity_ = 0;
  uint32_t last_uid_ = 0;         // the highest that was ever in the view
  std::vector<uint32_t> held_;    // expunged, still in the view
  std::vector<uint32_t> recent_;  // uids, ascending
  std::function<void()> on_change_;
};

}  // namespace mail::mailbox
