#pragma once

#include <compare>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/result.h"
#include "common/mailbox/cache_block.h"
#include "common/mailbox/index.h"
#include "common/mailbox/mailbox.h"
#include "common/mailbox/permissions.h"
#include "common/mailbox/record.h"
#include "common/mailbox/storage.h"
#include "common/mailbox/watcher.h"

namespace mail::mailbox {

/// Where one mailbox is.
struct MailboxPaths {
  std::string label;      ///< "INBOX", for log lines
  std::string mailbox;    ///< Maildir's directory, mbox's file
  std::string control;    ///< directory of dovecot-uidlist, dovecot-keywords
  std::string validity;   ///< directory of dovecot-uidvalidity
  std::string index;      ///< directory of the index file; empty: in memory
  std::string index_key;  ///< the mailbox's name in it
};

/// One open mailbox in memory, shared by all its sessions in this process:
/// the owner of its records. The formats derive from it.
/// Invariant: records_ ascend by uid; a uid is never used twice.
class State : public std::enable_shared_from_this<State>,
              protected Watcher::Sink {
 public:
  State(Registry& registry, MailboxPaths paths,
        std::shared_ptr<const UserSettings> settings);
  ~State() override;

  /// Reads what is there; once, before anything else.
  virtual Result<> load() = 0;
  /// No session is left: writes to the index what is known.
  virtual void close() = 0;
  /// Takes in what other programs have done since.
  virtual Result<> refresh() = 0;
  /// Seeing new messages: a session that writes takes \Recent from them.
  virtual void claim() = 0;
  virtual Result<> write_flags(std::vector<Mutation>& changes) = 0;
  /// Returns the uids that are gone now.
  virtual Result<std::vector<uint32_t>> remove(
      std::span<const uint32_t> uids) = 0;
  virtual Result<std::unique_ptr<Saving>> save(Uids uids) = 0;
  virtual Result<std::unique_ptr<MessageReader>> open_message(uint32_t uid) = 0;
  /// Copies without reading, where that can be; nullopt: it cannot.
  virtual Result<std::optional<std::vector<uint32_t>>> link_from(
      State& source, std::span<const uint32_t> uids);
  /// Fills in size and dates as far as the file system knows them.
  virtual Result<> learn_facts(Record& record) = 0;
  virtual Result<std::string> message_guid(uint32_t uid) = 0;
  /// Bit of a keyword, made if need be. Errors: Permanent E2BIG.
  virtual Result<unsigned> add_keyword(const std::string& name) = 0;
  virtual std::optional<std::string> uidl_field(uint32_t uid, char key) = 0;
  virtual Result<> save_uidls(
      std::span<const std::pair<uint32_t, std::string>> uidls) = 0;

  const std::vector<Record>& records() const { return records_; }
  Record* find(uint32_t uid);
  std::shared_ptr<const std::vector<uint32_t>> uids();
  uint32_t uidvalidity() const { return uidvalidity_; }
  uint32_t uidnext() const { return uidnext_; }
  uint64_t highest_modseq() const { return highest_modseq_; }
  const std::string& guid() const { return guid_; }
  const std::vector<std::string>& keywords() const { return keywords_; }
  const Options& options() const { return settings_->options; }
  const MailboxPaths& paths() const { return paths_; }
  const UserSettings& settings() const { return *settings_; }

  /// The bit of `name`; nullopt: the mailbox has no such keyword.
  std::optional<unsigned> keyword_bit(std::string_view name) const;
  Result<uint64_t> virtual_size(uint32_t uid);
  Result<Record*> with_facts(uint32_t uid);
  Status status(bool with_size, Result<>& trouble);

  void attach(Mailbox* session, std::shared_ptr<const UserSettings> settings);
  void detach(Mailbox* session);
  bool has_sessions() const { return !sessions_.empty(); }
  /// refresh(), then on_change of the sessions that have news.
  void tell_sessions();
  Result<Changes> changes_for(Mailbox& session, Mailbox::Expunges expunges);
  /// Carries out `changes`; each that is one gets a common new modseq.
  /// silent: the session that shall not hear of it.
  void apply(std::vector<Mutation>& changes, const Mailbox* silent = nullptr);
  /// Uids removed after `modseq`; nullopt: not known so far back.
  std::optional<std::vector<uint32_t>> expunged_since(uint64_t modseq) const;
  /// Whoever changes flags next: see apply().
  void set_silent(const Mailbox* session) { wished_silent_ = session; }
  /// The view is valid until the next call.
  std::optional<std::string_view> cached(uint32_t uid, std::string_view field);
  void put_cached(uint32_t uid, std::string_view field, std::string_view value);
  Failure expunged(uint32_t uid) const;
  void log(UserSettings::Severity severity, std::string_view text) const;

 protected:
  /// What is known has changed, or may have: sessions with on_change hear of it
  /// from the loop.
  void announce();
  struct Change {
    enum class Kind : uint8_t { Added, Removed, Flagged } kind;
    uint32_t uid;
    const Mailbox* silent;
  };
  struct Expunged {
    uint64_t modseq;
    uint32_t uid;
  };
  /// Forgets everything; the mailbox has become another one.
  void reset(uint32_t uidvalidity, uint32_t uidnext);
  /// For messages whose earlier modseqs are not known: starts above any that
  /// a client can remember, at the time in milliseconds.
  void start_modseq();
  std::string_view intern(std::string_view text);
  void note(Change::Kind kind, uint32_t uid);
  const Mailbox* silent_session() const { return wished_silent_; }

  // state_index.cc
  void open_index();
  /// Fills in all that is known; false: nothing is.
  bool load_index(IndexHeader& header);
  void save_all();
  /// All that is known, beside what others may have written by now.
  void publish();
  /// What other processes have written since.
  void adopt_foreign();
  /// Writes what waits; what `close_index` says holds until the next change.
  void flush_index();
  void close_index(const Stamp (&stamps)[3]);
  /// Something of the record has changed that no client sees.
  void remember(const Record& record);
  /// uidnext or the like: must be written although no record was.
  void header_changed() { header_dirty_ = true; }
  static bool is_settled(const Stamp& stamp);
  /// Blocks that were looked at are asked for anew.
  void drop_blocks() { read_blocks_.clear(); }
  /// Hooks for what a format keeps beside the records.
  virtual void adopted(const Record&) {}
  /// Records are taken from the mailbox alone, not from other processes.
  virtual bool files_decide() const { return false; }
  virtual void about_to_remove(const Record&) {}

  bool others_wrote_ = false;  // to the index, since it was last cleared

  Registry& registry_;
  MailboxPaths paths_;
  std::shared_ptr<const UserSettings> settings_;
  Permissions permissions_;
  std::unique_ptr<Index> index_;

  std::vector<Record> records_;
  std::unordered_map<uint32_t, std::string> odd_;  // see Record::odd_info
  uint32_t uidvalidity_ = 0, uidnext_ = 1, first_recent_ = 1;
  uint64_t highest_modseq_ = 1, history_floor_ = 1;
  std::string guid_;
  std::vector<std::string> keywords_;

 private:
  friend class Mailbox;
  bool apply_one(const Mutation& change, uint64_t modseq);
  bool apply_all(std::vector<Mutation>& changes, Index::Writer* writer);
  void trim();
  void adopt(Index::Writer& writer, const IndexHeader& header);
  void put_pending(Index::Writer& writer);
  void write_everything(Index::Writer& writer);
  bool write_index(const std::function<void(Index::Writer&)>& work);
  void take_keywords(const std::vector<std::string>& names);
  IndexHeader header_now() const;
  std::string_view odd_of(const Record& record) const;

  std::shared_ptr<const std::vector<uint32_t>> uids_;
  std::deque<std::string> names_;  // chunks that records' names are in
  std::deque<Change> changes_;
  uint64_t first_change_ = 0;  // number of changes_[0]
  std::deque<Expunged> history_;
  std::vector<Mailbox*> sessions_;
  const Mailbox* silent_ = nullptr;
  const Mailbox* wished_silent_ = nullptr;
  uint64_t writes_ = 0;    // IndexHeader::writes as we know it
  uint32_t last_uid_ = 0;  // of any record there ever was
  Stamp stored_stamps_[3];
  bool header_dirty_ = false;
  std::unordered_set<uint32_t> told_gone_;  // by others, in this transaction
  std::set<uint32_t> dirty_;                // records to be written
  struct BlockKey {
    uint32_t number;
    std::string field;
    auto operator<=>(const BlockKey&) const = default;
  };
  void put_blocks(Index::Writer& writer);
  void nothing_pending();
  std::map<BlockKey, CacheBlock> pending_blocks_;  // to be written
  size_t pending_size_ = 0;
  /// As they are in the index, of each field the one that was asked for last.
  std::map<std::string, std::pair<uint32_t, CacheBlock>, std::less<>>
      read_blocks_;
  size_t hint_ = 0;  // where find() has found the last
};

}  // namespace mail::mailbox
