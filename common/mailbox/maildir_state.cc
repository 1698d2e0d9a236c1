#include "common/mailbox/maildir_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "common/base/file.h"
#include "common/mailbox/denied.h"
#include "common/mailbox/keywords.h"
#include "common/mailbox/registry.h"

namespace mail::mailbox {

namespace {
constexpr int kMaxRetries = 10;

constexpr std::chrono::milliseconds kLockTimeout{60'000};
}  // namespace

void MaildirState::prepare() {
  permissions_ = Permissions::of(paths_.mailbox);
  read_keywords();
}

Result<> MaildirState::load() {
  prepare();
  clean_tmp();
  start_watching();
  open_index();
  IndexHeader header;
  if (load_index(header)) {
    TRY(load_from_index(header));
  } else {
    TRY(load_from_files());
  }
  loaded_ = true;
  return {};
}

Result<> MaildirState::load_from_index(const IndexHeader& header) {
  uidlist_next_ = header.uidnext;
  for (const Record& record : records_) {
    if (record.in_new) fresh_.push_back(record.uid);
  }
  if (!records_.empty()) highest_uid_ = records_.back().uid;
  // Watched already: what changes from here on is told.
  scan_needed_ = !watching_ || header.stamps[kNew].inode == 0 ||
                 Stamp::of(directory(kNew)) != header.stamps[kNew] ||
                 Stamp::of(directory(kCur)) != header.stamps[kCur];
  uidlist_trusted_ = header.stamps[2];
  if (header.stamps[2].inode == 0 ||
      Stamp::of(uidlist_path()) != header.stamps[2]) {
    auto read = read_whole_uidlist();
    if (!read && read.error().sys != ENOENT &&
        read.error().fault != Fault::Protocol) {
      return read;
    }
    // The index knows who has which uid: it is written anew.
    if (!read) uidlist_torn_ = true;
  }
  TRY(refresh());
  return ensure_uidlist();
}

Result<> MaildirState::load_from_files() {
  auto read = read_whole_uidlist();
  if (!read) {
    if (read.error().sys != ENOENT && read.error().fault != Fault::Protocol) {
      return read;
    }
    uidlist_torn_ = true;  // it is written with what is found
  }
  // Unless the mailbox is empty it may have had other modseqs before; a
  // client that remembers those must not miss a change.
  bool old = uidnext_ > 1;
  auto index = std::move(index_);  // all at once, at the end
  TRY(refresh());
  TRY(ensure_uidlist());
  index_ = std::move(index);
  first_recent_ = uidnext_;
  for (const Record& record : records_) {
    if (record.in_new) {
      first_recent_ = record.uid;
      break;
    }
  }
  if (old) start_modseq();
  publish();
  return {};
}

void MaildirState::close() {
  if (!index_) return;
  Stamp stamps[3];
  // What is asked here has no one to be told to; errors come again later.
  if (refresh() && watching_ && unknown_.empty()) {
    stamps[kNew] = Stamp::of(directory(kNew));
    stamps[kCur] = Stamp::of(directory(kCur));
    stamps[2] = Stamp::of(uidlist_path());
    registry_.watcher().read();
    if (!scan_needed_) apply_events();
    struct stat info;
    bool list_known = !uidlist_ ? uidlist_trusted_ == stamps[2]
                                : fstat(uidlist_.get(), &info) == 0 &&
                                      info.st_ino == stamps[2].inode &&
                                      stamps[2].size == uidlist_read_ &&
                                      !uidlist_torn_;
    if (!list_known || !is_settled(stamps[2])) stamps[2] = {};
    bool known = !scan_needed_ && pending_.empty() && unknown_.empty() &&
                 is_settled(stamps[kNew]) && is_settled(stamps[kCur]);
    if (!known) stamps[kNew] = stamps[kCur] = {};
  }
  close_index(stamps);
}

void MaildirState::claim() {
  if (first_recent_ != uidnext_) header_changed();
  first_recent_ = uidnext_;
  auto fresh = std::move(fresh_);
  fresh_.clear();
  for (uint32_t uid : fresh) {
    Record* record = find(uid);
    if (!record || !record->in_new) continue;
    std::string from = file_path(*record);
    std::string info = record->odd_info
                           ? odd_[uid]
                           : maildir_info(record->flags, record->keywords);
    std::string to =
        fmt::format("{}/{}{}", directory(kCur), record->name, info);
    if (rename(from.c_str(), to.c_str()) != 0) {
      // ENOENT: another was faster; the next refresh() knows.
      if (errno == ENOENT) scan_needed_ = true;
      continue;
    }
    record->in_new = false;
    record->odd_info = info != maildir_info(record->flags, record->keywords);
    if (!record->odd_info) odd_.erase(uid);
    remember(*record);  // may take in others' records and so move this one
  }
}

namespace {

/// `next`, which was wished for when `before` was so, now that it is `now`.
void wish_again(const Record& before, const Record& now, Record& next) {
  auto flags = static_cast<Flags>((now.flags | (next.flags & ~before.flags)) &
                                  ~(before.flags & ~next.flags));
  KeywordMask keywords = (now.keywords | (next.keywords & ~before.keywords)) &
                         ~(before.keywords & ~next.keywords);
  next = now;
  next.flags = flags;
  next.keywords = keywords;
}

}  // namespace

/// Renames the file of `change` from what is known of it. False: it has
/// another name by now.
Result<bool> MaildirState::rename_for(Mutation& change) {
  Record& next = change.record;
  const Record& now = *find(next.uid);
  std::string from = file_path(now);
  std::string present = now.odd_info ? odd_[next.uid] : std::string();
  std::string info = maildir_info(next.flags, next.keywords, present);
  std::string to = fmt::format("{}/{}{}", directory(kCur), now.name, info);
  if (from != to && rename(from.c_str(), to.c_str()) != 0) {
    if (errno == ENOENT) return false;
    return fail_errno(fmt::format("rename({}, {})", from, to), errno);
  }
  next.in_new = false;
  next.odd_info = info != maildir_info(next.flags, next.keywords);
  if (next.odd_info) {
    odd_[next.uid] = info;
  } else {
    odd_.erase(next.uid);
  }
  return true;
}

Result<> MaildirState::write_flags(std::vector<Mutation>& changes) {
  std::unordered_map<uint32_t, Record> before;
  for (const Mutation& change : changes) {
    const Record* now = find(change.record.uid);
    if (now) before[now->uid] = *now;
  }
  std::vector<Mutation> written;
  for (int i = 0; i < kMaxRetries && !changes.empty(); ++i) {
    std::vector<Mutation> done, again;
    for (Mutation& change : changes) {
      const Record* now = find(change.record.uid);
      if (!now) continue;  // expunged meanwhile
      if (i > 0) wish_again(before[now->uid], *now, change.record);
      auto renamed = rename_for(change);
      if (!renamed) {
        // What was renamed is so, whatever becomes of the rest.
        apply(done);
        return fail(renamed.error());
      }
      (*renamed ? done : again).push_back(change);
    }
    changes = std::move(again);
    written.insert(written.end(), done.begin(), done.end());
    if (changes.empty()) break;
    // Another has renamed some: what is so is taken in before what is new.
    apply(done, silent_session());
    scan_needed_ = true;
    TRY(collect());
    flush_changes();
    for (Mutation& one : written) {
      if (const Record* now = find(one.record.uid)) one.record = *now;
    }
  }
  changes = std::move(written);
  return {};
}

Result<std::vector<uint32_t>> MaildirState::remove(
    std::span<const uint32_t> uids) {
  std::vector<uint32_t> left(uids.begin(), uids.end()), removed;
  Result<> trouble;
  for (int i = 0; i < kMaxRetries && !left.empty(); ++i) {
    std::vector<uint32_t> again;
    for (uint32_t uid : left) {
      const Record* record = find(uid);
      if (!record) continue;
      std::string path = file_path(*record);
      if (unlink(path.c_str()) == 0) {
        pending_[uid] = {Mutation::Kind::Remove, *record};
        removed.push_back(uid);
      } else if (errno == ENOENT) {
        again.push_back(uid);
      } else if (trouble) {
        trouble = fail_errno(fmt::format("unlink({})", path), errno);
      }
    }
    flush_changes();
    left = std::move(again);
    if (!left.empty()) {
      scan_needed_ = true;
      TRY(collect());
      flush_changes();
    }
  }
  TRY(trouble);
  return removed;
}

Result<std::unique_ptr<MessageReader>> MaildirState::open_message(
    uint32_t uid) {
  for (int i = 0; i < kMaxRetries; ++i) {
    Record* record = find(uid);
    if (!record) break;
    std::string path = file_path(*record);
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && errno != ENOENT) {
      return fail_access(fmt::format("open({}) failed", path), path,
                         Wanted::Read, errno);
    }
    if (!fd) {
      scan_needed_ = true;
      TRY(collect());
      flush_changes();
      continue;
    }
    struct stat info;
    if (fstat(fd.get(), &info) != 0) return fail_errno("fstat", errno);
    auto size = static_cast<uint64_t>(info.st_size);
    if (record->size != size) {
      if (record->size != Record::kUnknown) {
        log(UserSettings::Severity::Error,
            fmt::format("UID={}: read({}) failed: Cached message size {} than "
                        "expected ({} {} {}, box={}, UID={})",
                        uid, path, size < record->size ? "smaller" : "larger",
                        size, size < record->size ? "<" : ">", record->size,
                        paths_.label, uid));
      }
      record->size = size;
      record->virtual_size = Record::kUnknown;
      remember(*record);
    }
    return std::make_unique<MessageReader>(std::move(fd), "", 0, size);
  }
  return expunged(uid);
}

Result<> MaildirState::learn_facts(Record& record) {
  uint32_t uid = record.uid;
  for (int i = 0; i < kMaxRetries; ++i) {
    Record* now = find(uid);
    if (!now) break;
    struct stat info;
    std::string path = file_path(*now);
    if (stat(path.c_str(), &info) == 0) {
      now->size = static_cast<uint64_t>(info.st_size);
      now->internal_date = info.st_mtime;
      if (now->save_date == Record::kNoDate) now->save_date = info.st_ctime;
      return {};
    }
    if (errno != ENOENT) {
      return fail_errno(fmt::format("stat({})", path), errno);
    }
    scan_needed_ = true;
    TRY(collect());
    flush_changes();
  }
  return expunged(uid);
}

Result<std::string> MaildirState::message_guid(uint32_t uid) {
  const Record* record = find(uid);
  if (!record) return expunged(uid);
  auto it = fields_.find(uid);
  if (it != fields_.end()) {
    if (auto guid = uidlist_field(it->second, 'G')) return std::string(*guid);
  }
  return std::string(record->name);
}

void MaildirState::read_keywords() {
  std::string path = paths_.control + "/dovecot-keywords";
  Stamp stamp = Stamp::of(path);
  if (stamp == keywords_stamp_) return;
  auto text = read_file(path, 1 << 20);
  if (!text) return;
  auto names = parse_keywords(*text);
  if (keywords_.size() < names.size()) keywords_.resize(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty()) keywords_[i] = names[i];
  }
  keywords_stamp_ = stamp;
}

Result<unsigned> MaildirState::add_keyword(const std::string& name) {
  auto lock = TRY(lock_uidlist(kLockTimeout));
  read_keywords();
  if (auto bit = keyword_bit(name)) return *bit;
  unsigned bit = 0;
  while (bit < keywords_.size() && !keywords_[bit].empty()) ++bit;
  if (bit >= kMaxKeywords) {
    return fail(
        Error{Fault::Permanent, "Too many keywords in this mailbox", E2BIG});
  }
  auto names = keywords_;
  if (names.size() <= bit) names.resize(bit + 1);
  names[bit] = name;
  if (bit < kKeywordLetters) {
    std::string path = paths_.control + "/dovecot-keywords";
    // The lock file becomes the file, as the original does it.
    auto file_lock =
        TRY(ControlLock::acquire(path, options().hostname, kLockTimeout));
    TRY(permissions_.replace(path, file_lock.path(), format_keywords(names),
                             options().mail_fsync != Options::Fsync::Never));
    file_lock.forget();
    keywords_stamp_ = Stamp::of(path);
  }
  keywords_ = std::move(names);
  return bit;
}

KeywordMask MaildirState::mask_of(const std::vector<std::string>& names) {
  KeywordMask out = 0;
  for (const std::string& name : names) {
    auto bit = keyword_bit(name);
    if (!bit && !is_keyword(name, options().mail_max_keyword_length)) continue;
    if (!bit) {
      auto made = add_keyword(name);
      if (!made) {
        log(UserSettings::Severity::Warning, made.error().what);
        continue;
      }
      bit = *made;
    }
    out |= KeywordMask{1} << *bit;
  }
  return out;
}

}  // namespace mail::mailbox
