#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/mailbox/control_lock.h"
#include "common/mailbox/maildir_name.h"
#include "common/mailbox/state.h"
#include "common/mailbox/uidlist.h"

namespace mail::mailbox {

/// A Maildir with the original's control files. The files' names are the
/// truth of flags, dovecot-uidlist of uids.
class MaildirState final : public State {
 public:
  using State::State;

  Result<> load() override;
  void close() override;
  /// Enough to save without uids: nothing of the mailbox is read.
  void prepare();
  Result<> refresh() override;
  void claim() override;
  Result<> write_flags(std::vector<Mutation>& changes) override;
  Result<std::vector<uint32_t>> remove(std::span<const uint32_t> uids) override;
  Result<std::unique_ptr<Saving>> save(Uids uids) override;
  Result<std::unique_ptr<MessageReader>> open_message(uint32_t uid) override;
  Result<std::optional<std::vector<uint32_t>>> link_from(
      State& source, std::span<const uint32_t> uids) override;
  Result<> learn_facts(Record& record) override;
  Result<std::string> message_guid(uint32_t uid) override;
  Result<unsigned> add_keyword(const std::string& name) override;
  std::optional<std::string> uidl_field(uint32_t uid, char key) override;
  Result<> save_uidls(
      std::span<const std::pair<uint32_t, std::string>> uidls) override;

  std::string file_path(const Record& record) const;
  const std::string& base_path() const { return paths_.mailbox; }
  const Permissions& permissions() const { return permissions_; }
  KeywordMask mask_of(const std::vector<std::string>& names);

  /// A file put into new/ or cur/ by us, under the lock.
  struct Arrival {
    std::string base;
    bool in_new = true;
    Flags flags = 0;
    KeywordMask keywords = 0;
    uint64_t size = Record::kUnknown, virtual_size = Record::kUnknown;
    int64_t internal_date = Record::kNoDate, save_date = Record::kNoDate;
    std::string fields;  // of dovecot-uidlist
  };
  /// Takes the lock, assigns uids to what others have brought, calls `place`
  /// (which renames the files in), assigns uids to `arrivals`.
  Result<std::vector<uint32_t>> arrive(const std::vector<Arrival>& arrivals,
                                       const std::function<Result<>()>& place);
  /// For fdatasync of dovecot-uidlist: a descriptor of its own.
  Result<UniqueFd> uidlist_descriptor() const;

 private:
  enum Tag { kNew = 0, kCur = 1 };
  struct Event {
    Tag directory;
    Watcher::What what;
    std::string name;
  };
  /// A file that is in no record yet.
  struct Unknown {
    bool in_new;
    std::string name;  // with info
  };
  void on_watch(int tag, Watcher::What what, std::string_view name) override;

  Result<bool> rename_for(Mutation& change);

  // maildir_scan.cc
  Result<> collect();
  void apply_events();
  Result<> scan();
  Result<std::vector<bool>> look();
  Result<> scan_directory(Tag tag, std::vector<bool>& seen);
  /// The record's index, if `file` is of one.
  std::optional<size_t> found(Tag tag, std::string_view file);
  void gone(Tag tag, std::string_view file, bool certain);
  std::optional<size_t> index_by_name(std::string_view base);
  void know_name(const Record& record);
  const Record& wanted(const Record& record) const;
  void flush_changes();
  void flush_once();
  void start_watching();
  void adopted(const Record& record) override;
  void about_to_remove(const Record& record) override;
  void clean_tmp() const;
  std::string directory(Tag tag) const {
    return paths_.mailbox + (tag == kNew ? "/new" : "/cur");
  }
  std::string file_name(const Record& record) const;
  void fix_duplicate(std::string_view in_new, std::string_view in_cur);

  // maildir_uids.cc
  /// Gives uids to all files in unknown_ that can have one now.
  Result<> resolve_unknown();
  Result<> resolve_locked();
  void resolve_known();
  Result<> resolve_lines();
  Result<> assign();
  Result<> read_uidlist();
  Result<> read_whole_uidlist();
  void take_header(const Uidlist& list);
  void take_entries(const Uidlist& list);
  void compare_entries(const Uidlist& list);
  Result<> load_from_index(const IndexHeader& header);
  Result<> load_from_files();
  Result<> append_lines(const std::string& lines);
  Result<> rewrite_uidlist(const std::string& more);
  Result<ControlLock> lock_uidlist(std::chrono::milliseconds timeout) const;
  std::string uidlist_path() const {
    return paths_.control + "/dovecot-uidlist";
  }
  void add_pending(const std::string& base, const Unknown& file, uint32_t uid,
                   std::string_view fields);
  Result<> start_uidlist();
  Result<> ensure_uidlist();
  Result<> know_fields();
  std::string line_for(const Record& record) const;

  // maildir_keywords.cc
  void read_keywords();

  bool loaded_ = false;
  bool watching_ = false, scan_needed_ = true;
  std::vector<Event> events_;
  Stamp new_stamp_, cur_stamp_;  // of the last scan, without watching
  std::unordered_map<uint32_t, Mutation> pending_;    // found, not applied yet
  std::unordered_map<std::string, Unknown> unknown_;  // by base name
  std::unordered_set<std::string> moved_;  // from somewhere, not yet to any
  std::unordered_map<std::string_view, uint32_t> uid_by_name_;  // when built
  bool names_built_ = false;
  std::vector<uint32_t> fresh_;  // uids whose files are in new/
  uint32_t highest_uid_ = 0;     // of any record there ever was

  Stamp uidlist_trusted_;      // unread, as the index knows it
  UniqueFd uidlist_;           // held, so that its inode stays its own
  uint64_t uidlist_read_ = 0;  // bytes
  size_t uidlist_lines_ = 0;
  bool uidlist_torn_ = false;   // must be written anew, not appended to
  bool uidlist_tail_ = false;   // ends amid a line, as we have read it
  uint32_t uidlist_next_ = 1;   // lines below have been read
  std::string uidlist_fields_;  // of the header
  // Lines whose files were not found yet.
  struct Orphan {
    uint32_t uid;
    std::string fields;
  };
  std::unordered_map<std::string, Orphan> orphans_;
  std::unordered_map<uint32_t, std::string> fields_;  // of lines that have any
  bool fields_known_ = false;
  Stamp keywords_stamp_;
};

}  // namespace mail::mailbox
