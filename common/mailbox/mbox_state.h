#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/mailbox/control_lock.h"
#include "common/mailbox/mbox_format.h"
#include "common/mailbox/state.h"

namespace mail::mailbox {

/// A lock on an mbox file, as mbox_read_locks or mbox_write_locks say.
class MboxLock {
 public:
  enum class Kind { Read, Write };
  /// Errors: Permanent EBUSY `Timeout while waiting for lock`; of open(2).
  static Result<MboxLock> acquire(const std::string& path, int fd, Kind kind,
                                  const Options& options);
  MboxLock(MboxLock&& other) noexcept;
  MboxLock& operator=(MboxLock&&) = delete;
  ~MboxLock();

 private:
  MboxLock() = default;
  int fd_ = -1;
  bool fcntl_ = false, flock_ = false;
  ControlLock dot_lock_;
  std::optional<gid_t> group_;
};

/// An mbox file: the headers in it are the truth of uids and flags. Whatever
/// is written goes there at once. Edits that move text are made by way of a
/// journal beside the index, so that one that was broken off is completed by
/// who opens the mailbox next.
class MboxState final : public State {
 public:
  using State::State;

  Result<> load() override;
  void close() override;
  Result<> refresh() override;
  void claim() override;
  Result<> write_flags(std::vector<Mutation>& changes) override;
  Result<std::vector<uint32_t>> remove(std::span<const uint32_t> uids) override;
  Result<std::unique_ptr<Saving>> save(Uids uids) override;
  Result<std::unique_ptr<MessageReader>> open_message(uint32_t uid) override;
  Result<> learn_facts(Record& record) override;
  Result<std::string> message_guid(uint32_t uid) override;
  Result<unsigned> add_keyword(const std::string& name) override;
  std::optional<std::string> uidl_field(uint32_t uid, char key) override;
  Result<> save_uidls(
      std::span<const std::pair<uint32_t, std::string>> uidls) override;

  /// A message to be appended: its bytes from `read`, in pieces.
  struct Arrival {
    std::string sender;
    int64_t date = 0;
    Flags flags = 0;
    std::vector<std::string> keywords;
    std::string text;  // of a small one
    UniqueFd file;     // of a large one: after `text`
    uint64_t file_size = 0;
  };
  Result<std::vector<uint32_t>> append(std::vector<Arrival>& arrivals);
  /// For fsync of the file.
  Result<UniqueFd> descriptor() const;

 private:
  bool files_decide() const override { return true; }
  void on_watch(int tag, Watcher::What what, std::string_view name) override;

  // mbox_sync.cc
  Result<> reopen();
  bool unchanged() const;
  Result<> read_changes();
  bool only_appended(uint64_t end) const;
  Result<> load_first();
  Result<> load_from_index(const IndexHeader& header);
  Result<> parse_from(uint64_t offset, size_t known);
  Result<> number_messages();
  MboxRead reader() const;
  Result<MboxHeader> header_at(uint64_t offset) const;
  uint64_t end_of(const Record& record) const;
  KeywordMask mask_of(const std::vector<std::string>& names);
  std::vector<std::string> names_of(KeywordMask mask) const;
  void note_file();

  // mbox_write.cc
  /// A stretch of the new text: of the old file, or `text`.
  struct Piece {
    std::string text;
    uint64_t offset = 0, size = 0;
  };
  Result<MboxLock> lock(MboxLock::Kind kind);
  enum class Edit { Grew, Changed };
  void date_edit(int64_t before, Edit edit) const;
  std::string block_for(const MboxHeader& header, const Record& record,
                        bool first, uint64_t body_size, size_t size) const;
  /// Brings the file's headers of these to what records_ say, in place where
  /// there is room; the others with all that follows. Under the write lock.
  Result<> write_headers(const std::vector<uint32_t>& uids);
  /// Everything from the record at `first` on anew: without `without`, the
  /// headers of `uids` (ascending) made anew.
  Result<> rewrite(size_t first, const std::vector<uint32_t>& uids,
                   const std::vector<uint32_t>& without);
  Result<> write_journal(uint64_t offset, const std::vector<Piece>& pieces);
  Result<> apply_journal();
  Result<bool> slide(uint64_t offset, const std::vector<Piece>& pieces);
  Result<> finish_journal();
  std::string journal_path() const;

  UniqueFd fd_;
  bool read_only_ = false;
  bool watching_ = false, told_ = true;  // told_: something may have changed
  Stamp stamp_;
  uint64_t file_size_ = 0;
  bool loaded_ = false;
  bool fresh_ = false;               // messages that no session has seen
  bool base_dirty_ = false;          // X-IMAPbase in the file is not ours
  std::vector<uint32_t> unwritten_;  // uids that are not in the file
  mutable std::string buffer_;
  mutable uint64_t buffer_at_ = 0;
};

/// All of `text` from `offset` on. Errors: the system's; ENOSPC: a full disk.
Result<> write_at(int fd, uint64_t offset, std::string_view text);

}  // namespace mail::mailbox
