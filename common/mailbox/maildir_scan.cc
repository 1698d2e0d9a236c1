// What is in new/ and cur/: by looking, and by what the kernel tells.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "common/base/handle.h"
#include "common/mailbox/denied.h"
#include "common/mailbox/maildir_state.h"
#include "common/mailbox/registry.h"

namespace mail::mailbox {

namespace {

using Directory = Handle<DIR, closedir>;
constexpr int kMaxRescans = 10;
// A change within the clock's tick leaves a directory's time as it was.
constexpr int64_t kDirtySeconds = 1;
constexpr time_t kTmpAge = 36 * 3600;
constexpr time_t kDuplicateAge = 30;

bool is_message(std::string_view name) { return !name.starts_with('.'); }

}  // namespace

void MaildirState::on_watch(int tag, Watcher::What what,
                            std::string_view name) {
  if (what == Watcher::What::Lost || what == Watcher::What::Ended) {
    if (what == Watcher::What::Ended) watching_ = false;
    scan_needed_ = true;
    events_.clear();
  } else if (!scan_needed_ && is_message(name)) {
    events_.push_back({static_cast<Tag>(tag), what, std::string(name)});
  }
  announce();
}

std::string MaildirState::file_name(const Record& record) const {
  std::string out(record.name);
  if (record.odd_info) {
    auto it = odd_.find(record.uid);
    if (it != odd_.end()) out += it->second;
  } else if (!record.in_new) {
    out += maildir_info(record.flags, record.keywords);
  }
  return out;
}

std::string MaildirState::file_path(const Record& record) const {
  return directory(record.in_new ? kNew : kCur) + "/" + file_name(record);
}

std::optional<size_t> MaildirState::index_by_name(std::string_view base) {
  if (!names_built_) {
    uid_by_name_.reserve(records_.size());
    names_built_ = true;
    for (const Record& record : records_) know_name(record);
  }
  auto it = uid_by_name_.find(base);
  if (it == uid_by_name_.end()) return std::nullopt;
  const Record* record = find(it->second);
  if (!record) return std::nullopt;
  return static_cast<size_t>(record - records_.data());
}

/// One file has one uid: the later one, by whomever it was given.
void MaildirState::know_name(const Record& record) {
  auto [it, is_new] = uid_by_name_.emplace(record.name, record.uid);
  if (is_new || it->second == record.uid) return;
  if (const Record* other = find(it->second)) {
    pending_[other->uid] = {Mutation::Kind::Remove, *other};
  }
  uid_by_name_.erase(it);  // its key is the other's
  uid_by_name_[record.name] = record.uid;
}

/// The record as it will be after flush_changes().
const Record& MaildirState::wanted(const Record& record) const {
  auto it = pending_.find(record.uid);
  return it == pending_.end() ? record : it->second.record;
}

std::optional<size_t> MaildirState::found(Tag tag, std::string_view file) {
  MaildirName name = parse_maildir_name(file);
  if (!moved_.empty()) moved_.erase(std::string(name.base));
  auto index = index_by_name(name.base);
  if (!index) {
    unknown_[std::string(name.base)] = {tag == kNew, std::string(file)};
    return std::nullopt;
  }
  const Record& now = records_[*index];
  constexpr KeywordMask kLetters = (KeywordMask{1} << 26) - 1;
  Record next = now;
  next.in_new = tag == kNew;
  next.flags = name.flags;
  next.keywords = (now.keywords & ~kLetters) | name.keywords;
  std::string usual =
      next.in_new ? "" : maildir_info(next.flags, next.keywords & kLetters);
  next.odd_info = name.info != usual;
  if (next.odd_info) {
    odd_[next.uid] = name.info;
  } else if (now.odd_info) {
    odd_.erase(next.uid);
  }
  if (next.in_new && !now.in_new) fresh_.push_back(next.uid);
  bool same = next.in_new == now.in_new && next.flags == now.flags &&
              next.keywords == now.keywords && next.odd_info == now.odd_info;
  if (same) {
    pending_.erase(next.uid);
  } else {
    pending_[next.uid] = {Mutation::Kind::Update, next};
  }
  return index;
}

/// `certain`: the file was unlinked, not renamed; what was renamed may be told
/// to have appeared later than we read.
void MaildirState::gone(Tag tag, std::string_view file, bool certain) {
  MaildirName name = parse_maildir_name(file);
  auto unknown = unknown_.find(std::string(name.base));
  if (unknown != unknown_.end() && unknown->second.name == file &&
      unknown->second.in_new == (tag == kNew)) {
    if (!certain) moved_.insert(unknown->first);
    unknown_.erase(unknown);
  }
  auto index = index_by_name(name.base);
  if (!index) return;
  const Record& now = wanted(records_[*index]);
  if (now.in_new != (tag == kNew) || file_name(now) != file) {
    // Not the name that we know it by: told of in another order.
    if (certain) scan_needed_ = true;
    return;
  }
  Mutation removal{Mutation::Kind::Remove, now};
  pending_[now.uid] = removal;
  if (!certain) moved_.insert(std::string(name.base));
}

void MaildirState::apply_events() {
  auto events = std::move(events_);
  events_.clear();
  for (const Event& event : events) {
    if (event.what == Watcher::What::Appeared) {
      found(event.directory, event.name);
    } else {
      gone(event.directory, event.name,
           event.what == Watcher::What::Disappeared);
    }
  }
  // What was renamed within the mailbox has appeared again by now.
  if (!moved_.empty()) scan_needed_ = true;
}

void MaildirState::fix_duplicate(std::string_view in_new,
                                 std::string_view in_cur) {
  std::string a = fmt::format("{}/{}", directory(kNew), in_new);
  std::string b = fmt::format("{}/{}", directory(kCur), in_cur);
  struct stat of_a, of_b;
  if (stat(a.c_str(), &of_a) != 0 || stat(b.c_str(), &of_b) != 0) return;
  if (of_a.st_ino == of_b.st_ino && of_a.st_dev == of_b.st_dev) {
    // Somebody may be moving it by link and unlink at this moment.
    if (std::max(of_a.st_ctime, of_b.st_ctime) + kDuplicateAge <
        time(nullptr)) {
      unlink(a.c_str());
    }
    return;
  }
  std::string base = new_maildir_base(options().hostname);
  std::string to = fmt::format("{}/{}", directory(kNew), base);
  if (rename(a.c_str(), to.c_str()) != 0) return;
  log(UserSettings::Severity::Warning,
      fmt::format("Fixed a duplicate: {} -> {}", a, base));
  unknown_[base] = {true, base};
}

Result<> MaildirState::scan_directory(Tag tag, std::vector<bool>& seen) {
  std::string path = directory(tag);
  Directory dir(opendir(path.c_str()));
  if (!dir)
    return fail_access(fmt::format("opendir({}) failed", path), path,
                       Wanted::Read, errno);
  while (true) {
    errno = 0;
    dirent* entry = readdir(dir.get());
    if (!entry) break;
    std::string_view name = entry->d_name;
    if (!is_message(name)) continue;
    if (tag == kCur) {
      // Seen in new/ already: a move we have met twice, or two files.
      std::string_view base = parse_maildir_name(name).base;
      auto index = index_by_name(base);
      bool twice = false;
      std::string first;
      if (index && (*index < seen.size()) && seen[*index] &&
          wanted(records_[*index]).in_new) {
        first = file_name(wanted(records_[*index]));
        twice = true;
      } else if (auto it = unknown_.find(std::string(base));
                 !index && it != unknown_.end() && it->second.in_new) {
        first = it->second.name;
        twice = true;
      }
      if (twice) fix_duplicate(first, name);
    }
    if (auto index = found(tag, name)) seen[*index] = true;
  }
  if (errno != 0)
    return fail_errno(fmt::format("readdir({}) failed", path), errno);
  return {};
}

void MaildirState::start_watching() {
  Watcher& watcher = registry_.watcher();
  watching_ = watcher.watch_directory(directory(kNew), this, kNew) &&
              watcher.watch_directory(directory(kCur), this, kCur);
}

/// Looks at both directories and hears what happened meanwhile. Returns which
/// records' files are not there.
Result<std::vector<bool>> MaildirState::look() {
  unknown_.clear();
  moved_.clear();
  std::vector<bool> seen(records_.size());
  TRY(scan_directory(kNew, seen));
  TRY(scan_directory(kCur, seen));
  registry_.watcher().read();
  auto events = std::move(events_);
  events_.clear();
  for (const Event& event : events) {
    if (event.what == Watcher::What::Appeared) {
      auto index = found(event.directory, event.name);
      if (index) seen[*index] = true;
    } else {
      gone(event.directory, event.name,
           event.what == Watcher::What::Disappeared);
    }
  }
  seen.flip();
  std::erase_if(pending_, [&](auto& pending) {
    if (pending.second.kind != Mutation::Kind::Remove) return false;
    const Record* record = find(pending.first);
    if (record) seen[static_cast<size_t>(record - records_.data())] = true;
    return true;
  });
  return seen;
}

/// readdir(3) may miss what is renamed while it runs, and the kernel tells the
/// two halves of a rename one after the other: a message is gone when it was
/// missed twice in turn, with nothing left in between.
Result<> MaildirState::scan() {
  scan_needed_ = false;
  std::vector<bool> missed(records_.size());
  for (int i = 1;; ++i) {
    if (!watching_) start_watching();
    Stamp new_before = Stamp::of(directory(kNew));
    Stamp cur_before = Stamp::of(directory(kCur));
    std::vector<bool> missing = TRY(look());
    new_stamp_ = Stamp::of(directory(kNew));
    cur_stamp_ = Stamp::of(directory(kCur));
    bool steady =
        moved_.empty() &&
        (watching_ || (new_stamp_ == new_before && cur_stamp_ == cur_before));
    bool confirmed = true;
    for (size_t k = 0; k < missing.size(); ++k) {
      if (missing[k] && !missed[k]) confirmed = false;
    }
    bool last = i == kMaxRescans;
    if ((confirmed && steady) || last) {
      // Look again another time.
      if (!confirmed || !steady) scan_needed_ = true;
      for (size_t k = 0; k < missing.size(); ++k) {
        if (!missing[k] || !missed[k]) continue;
        pending_[records_[k].uid] = {Mutation::Kind::Remove, records_[k]};
      }
      break;
    }
    missed = std::move(missing);
  }
  moved_.clear();
  int64_t now = time(nullptr);
  if (now - new_stamp_.seconds <= kDirtySeconds) new_stamp_ = {};
  if (now - cur_stamp_.seconds <= kDirtySeconds) cur_stamp_ = {};
  return {};
}

Result<> MaildirState::collect() {
  if (watching_) {
    registry_.watcher().read();
    if (!scan_needed_) apply_events();
  }
  if (!watching_ && !scan_needed_) {
    scan_needed_ = Stamp::of(directory(kNew)) != new_stamp_ ||
                   Stamp::of(directory(kCur)) != cur_stamp_;
  }
  if (scan_needed_) TRY(scan());
  return {};
}

void MaildirState::about_to_remove(const Record& record) {
  auto it = uid_by_name_.find(record.name);
  if (it != uid_by_name_.end() && it->second == record.uid) {
    uid_by_name_.erase(it);
  }
  fields_.erase(record.uid);
}

void MaildirState::adopted(const Record& record) {
  if (names_built_) know_name(record);
  if (record.in_new) fresh_.push_back(record.uid);
  highest_uid_ = std::max(highest_uid_, record.uid);
  // Its file has been seen already, before its uid was known: no other.
  std::string base(record.name);
  orphans_.erase(base);
  auto file = unknown_.find(base);
  if (file == unknown_.end()) return;
  Unknown known = std::move(file->second);
  unknown_.erase(file);
  found(known.in_new ? kNew : kCur, known.name);
}

void MaildirState::flush_changes() {
  // Others' records, taken in meanwhile, may add to what is pending.
  for (int i = 0; i < kMaxRescans && !pending_.empty(); ++i) flush_once();
}

void MaildirState::flush_once() {
  std::vector<Mutation> changes;
  changes.reserve(pending_.size());
  for (auto& [_, change] : pending_) changes.push_back(std::move(change));
  pending_.clear();
  std::sort(changes.begin(), changes.end(),
            [](const Mutation& a, const Mutation& b) {
              return a.record.uid < b.record.uid;
            });
  for (Mutation& change : changes) {
    Record& record = change.record;
    if (change.kind == Mutation::Kind::Add) {
      record.name = intern(record.name);
      if (names_built_) uid_by_name_[record.name] = record.uid;
      if (record.in_new) fresh_.push_back(record.uid);
      highest_uid_ = std::max(highest_uid_, record.uid);
    } else if (change.kind == Mutation::Kind::Remove) {
      about_to_remove(record);
    }
  }
  apply(changes);
}

Result<> MaildirState::refresh() {
  adopt_foreign();
  TRY(collect());
  if (!unknown_.empty() || uidlist_torn_) {
    auto resolved = resolve_unknown();
    // What is known stays usable when a new message can have no uid yet.
    if (!resolved) log(UserSettings::Severity::Error, resolved.error().what);
  }
  flush_changes();
  return {};
}

void MaildirState::clean_tmp() const {
  std::string path = paths_.mailbox + "/tmp";
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return;
  time_t now = time(nullptr);
  if (now - info.st_atime < options().mail_temp_scan_interval) return;
  Directory dir(opendir(path.c_str()));
  if (!dir) return;
  while (dirent* entry = readdir(dir.get())) {
    if (entry->d_name[0] == '.') continue;
    if (fstatat(dirfd(dir.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) ==
            0 &&
        S_ISREG(info.st_mode) && info.st_ctime + kTmpAge < now) {
      unlinkat(dirfd(dir.get()), entry->d_name, 0);
    }
  }
  timespec times[2] = {{now, 0}, {0, UTIME_OMIT}};
  utimensat(AT_FDCWD, path.c_str(), times, 0);
}

}  // namespace mail::mailbox
