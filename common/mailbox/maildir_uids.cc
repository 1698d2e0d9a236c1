// dovecot-uidlist: who has which uid.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/file.h"
#include "common/base/number.h"
#include "common/crypto/random.h"
#include "common/mailbox/denied.h"
#include "common/mailbox/maildir_state.h"
#include "common/mailbox/uidvalidity.h"

namespace mail::mailbox {

namespace {

using std::chrono::milliseconds;
// New mail shows a little later rather than let all sessions wait.
constexpr milliseconds kReadTimeout{2'000};
constexpr milliseconds kWriteTimeout{60'000};
constexpr size_t kMaxUidlist = 1 << 30;
// Lines of expunged messages that do not matter.
constexpr size_t kSlack = 100;

std::string new_guid() {
  std::string out;
  for (char c : crypto::random_bytes(16)) {
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

uint64_t size_field(std::string_view fields, char key) {
  auto text = uidlist_field(fields, key);
  if (!text) return Record::kUnknown;
  return parse_number<uint64_t>(*text).value_or(Record::kUnknown);
}

/// From `offset` to the end of an open file.
Result<std::string> read_from(int fd, uint64_t offset, uint64_t size) {
  std::string out(size, 0);
  size_t done = 0;
  while (done < size) {
    ssize_t n = pread(fd, out.data() + done, size - done,
                      static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", errno);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  out.resize(done);
  return out;
}

}  // namespace

Result<ControlLock> MaildirState::lock_uidlist(milliseconds timeout) const {
  if (options().mail_max_lock_timeout != 0) {
    timeout = std::min(timeout,
                       milliseconds(options().mail_max_lock_timeout * 1000UL));
  }
  return ControlLock::acquire(uidlist_path(), options().hostname, timeout);
}

void MaildirState::take_header(const Uidlist& list) {
  if (uidvalidity_ != 0 && list.uidvalidity != uidvalidity_) {
    reset(list.uidvalidity, list.uidnext);
    uid_by_name_.clear();
    fresh_.clear();
    pending_.clear();
    highest_uid_ = 0;
    uidlist_next_ = 1;
    scan_needed_ = true;
  }
  uidvalidity_ = list.uidvalidity;
  guid_ = list.guid;
  uidlist_fields_ = list.fields;
}

/// A whole list against what we know. A message whose uid or name has gone to
/// another line is looked for anew; one that has no line gets it again.
void MaildirState::compare_entries(const Uidlist& list) {
  if (records_.empty()) return;
  std::vector<const Record*> missing, doubtful;
  auto entry = list.entries.begin();
  for (const Record& record : records_) {
    while (entry != list.entries.end() && entry->uid < record.uid) ++entry;
    bool there = entry != list.entries.end() && entry->uid == record.uid;
    if (there && entry->name != record.name) doubtful.push_back(&record);
    if (!there) missing.push_back(&record);
  }
  if (missing.empty() && doubtful.empty()) return;
  std::unordered_map<std::string_view, const Uidlist::Entry*> by_name;
  for (const Uidlist::Entry& one : list.entries) by_name[one.name] = &one;
  for (const Record* record : missing) {
    if (by_name.count(record->name)) {
      doubtful.push_back(record);
    } else {
      uidlist_torn_ = true;
    }
  }
  for (const Record* record : doubtful) {
    pending_[record->uid] = {Mutation::Kind::Remove, *record};
    auto line = by_name.find(record->name);
    if (line == by_name.end()) continue;
    orphans_[std::string(line->first)] = {line->second->uid,
                                          std::string(line->second->fields)};
  }
  if (doubtful.empty()) return;
  scan_needed_ = true;
  flush_changes();
}

void MaildirState::take_entries(const Uidlist& list) {
  bool given_anew = false;
  for (const Uidlist::Entry& entry : list.entries) {
    if (!entry.fields.empty()) fields_[entry.uid] = entry.fields;
    if (entry.uid < uidlist_next_) continue;
    const Record* record = nullptr;
    if (!records_.empty()) {
      auto index = index_by_name(entry.name);
      if (index) record = &records_[*index];
    }
    if (record && record->uid == entry.uid) continue;
    // The later line of a file wins.
    orphans_[std::string(entry.name)] = {entry.uid, std::string(entry.fields)};
    if (!record) continue;
    pending_[record->uid] = {Mutation::Kind::Remove, *record};
    given_anew = true;
  }
  if (given_anew) {
    scan_needed_ = true;
    flush_changes();
  }
  uidlist_lines_ += list.entries.size();
  uidlist_next_ = std::max(uidlist_next_, list.uidnext);
  uidnext_ = std::max(uidnext_, list.uidnext);
  for (const std::string& line : list.broken) {
    log(UserSettings::Severity::Error,
        fmt::format("Broken file {} {}", uidlist_path(), line));
  }
  if (!list.broken.empty()) uidlist_torn_ = true;
}

Result<> MaildirState::read_whole_uidlist() {
  uidlist_.reset(::open(uidlist_path().c_str(), O_RDWR | O_CLOEXEC));
  if (!uidlist_ && errno == EACCES) {
    uidlist_.reset(::open(uidlist_path().c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!uidlist_) {
    return fail_access(fmt::format("open({}) failed", uidlist_path()),
                       uidlist_path(), Wanted::Read, errno);
  }
  struct stat info;
  if (fstat(uidlist_.get(), &info) != 0) return fail_errno("fstat", errno);
  auto size = static_cast<uint64_t>(info.st_size);
  if (size > kMaxUidlist) {
    return fail(Fault::Permanent,
                fmt::format("{} is larger than 1 GiB", uidlist_path()));
  }
  std::string text = TRY(read_from(uidlist_.get(), 0, size));
  auto list = parse_uidlist(text);
  if (!list) {
    log(UserSettings::Severity::Error,
        fmt::format("Broken file {} {}", uidlist_path(), list.error().what));
    return fail(list.error());
  }
  uidlist_lines_ = 0;
  fields_.clear();
  take_header(*list);
  uidlist_torn_ = false;
  uidlist_tail_ = list->complete != text.size();
  compare_entries(*list);
  take_entries(*list);
  fields_known_ = true;
  uidlist_read_ = list->complete;
  uidlist_torn_ = uidlist_torn_ || !list->broken.empty() ||
                  text.starts_with("1 ") || list->guid.size() != 32;
  return {};
}

/// What others have written since the last time. Errors: ENOENT: no file;
/// Protocol: it is broken.
Result<> MaildirState::read_uidlist() {
  struct stat info;
  if (!uidlist_ || fstat(uidlist_.get(), &info) != 0 || info.st_nlink == 0 ||
      static_cast<uint64_t>(info.st_size) < uidlist_read_) {
    return read_whole_uidlist();
  }
  auto size = static_cast<uint64_t>(info.st_size);
  uidlist_tail_ = false;
  if (size == uidlist_read_) return {};
  std::string text =
      TRY(read_from(uidlist_.get(), uidlist_read_, size - uidlist_read_));
  Uidlist list;
  parse_uidlist_lines(text, uidlist_lines_ + 2, list);
  take_entries(list);
  uidlist_read_ += list.complete;
  uidlist_tail_ = list.complete != text.size();
  return {};
}

Result<> MaildirState::know_fields() {
  if (fields_known_) return read_uidlist();
  return read_whole_uidlist();
}

std::string MaildirState::line_for(const Record& record) const {
  auto it = fields_.find(record.uid);
  return format_uidlist_line(
      {record.uid, record.name,
       it == fields_.end() ? std::string_view() : it->second});
}

/// All records and then the lines `more`; under the lock.
Result<> MaildirState::rewrite_uidlist(const std::string& more) {
  if (guid_.size() != 32) guid_ = new_guid();
  Uidlist header;
  header.uidvalidity = uidvalidity_;
  header.uidnext = uidnext_;
  header.guid = guid_;
  header.fields = uidlist_fields_;
  std::string text = format_uidlist_header(header);
  for (const Record& record : records_) text += line_for(record);
  text += more;
  TRY(permissions_.replace(uidlist_path(), uidlist_path() + ".tmp", text,
                           options().mail_fsync != Options::Fsync::Never));
  uidlist_.reset(::open(uidlist_path().c_str(), O_RDWR | O_CLOEXEC));
  if (!uidlist_) {
    return fail_access(fmt::format("open({}) failed", uidlist_path()),
                       uidlist_path(), Wanted::Read, errno);
  }
  uidlist_read_ = text.size();
  uidlist_lines_ = records_.size();
  uidlist_torn_ = false;
  uidlist_next_ = uidnext_;
  return {};
}

/// Under the lock, everything read.
Result<> MaildirState::append_lines(const std::string& lines) {
  if (lines.empty()) return {};
  if (uidlist_torn_ || !uidlist_ ||
      (fields_known_ && uidlist_lines_ > records_.size() * 4 / 3 + kSlack)) {
    return rewrite_uidlist(lines);
  }
  // One write, so that what a reader sees of it are whole lines, mostly.
  ssize_t n = pwrite(uidlist_.get(), lines.data(), lines.size(),
                     static_cast<off_t>(uidlist_read_));
  if (n != static_cast<ssize_t>(lines.size())) {
    int error = n < 0 ? errno : ENOSPC;
    if (ftruncate(uidlist_.get(), static_cast<off_t>(uidlist_read_)) != 0) {
      uidlist_torn_ = true;
    }
    return fail_errno(fmt::format("write({})", uidlist_path()), error);
  }
  uidlist_read_ += lines.size();
  uidlist_lines_ +=
      static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n'));
  uidlist_next_ = uidnext_;
  return {};
}

/// A list for a mailbox that has none that can be read; under the lock. It is
/// in memory until rewrite_uidlist() or append_lines().
Result<> MaildirState::start_uidlist() {
  if (uidvalidity_ == 0) {
    uidvalidity_ = TRY(next_uidvalidity(paths_.validity, permissions_));
  }
  uidlist_.reset();
  uidlist_torn_ = true;
  return {};
}

/// What start_uidlist() has left to others, who could not.
Result<> MaildirState::ensure_uidlist() {
  if (uidlist_ || !uidlist_torn_) return {};
  auto lock = TRY(lock_uidlist(kWriteTimeout));
  return resolve_locked();
}

void MaildirState::add_pending(const std::string& base, const Unknown& file,
                               uint32_t uid, std::string_view fields) {
  MaildirName name = parse_maildir_name(file.name);
  Record record;
  record.uid = uid;
  record.name = intern(base);
  record.in_new = file.in_new;
  record.flags = name.flags;
  record.keywords = name.keywords;
  std::string usual =
      file.in_new ? "" : maildir_info(name.flags, name.keywords);
  record.odd_info = name.info != usual;
  if (record.odd_info) odd_[uid] = name.info;
  if (!options().maildir_broken_filename_sizes) {
    record.size = size_in_name(base, 'S').value_or(size_field(fields, 'S'));
    record.virtual_size =
        size_in_name(base, 'W').value_or(size_field(fields, 'W'));
  }
  if (!fields.empty()) fields_[uid] = fields;
  pending_[uid] = {Mutation::Kind::Add, record};
}

/// Files whose lines were read.
void MaildirState::resolve_known() {
  if (orphans_.empty()) return;
  for (auto it = unknown_.begin(); it != unknown_.end();) {
    auto line = orphans_.find(it->first);
    if (line == orphans_.end() || line->second.uid <= highest_uid_) {
      ++it;
      continue;
    }
    add_pending(it->first, it->second, line->second.uid, line->second.fields);
    orphans_.erase(line);
    it = unknown_.erase(it);
  }
  flush_changes();
}

/// Files to the lines that are new to us: in place before the lines are
/// written, if they were not expunged since. Uids must come in order, so none
/// may be overlooked.
Result<> MaildirState::resolve_lines() {
  if (orphans_.empty()) return {};
  TRY(collect());
  bool whole =
      records_.empty() ||
      std::all_of(orphans_.begin(), orphans_.end(), [&](auto& line) {
        return line.second.uid <= highest_uid_ || unknown_.count(line.first);
      });
  if (!whole) {
    scan_needed_ = true;
    TRY(collect());
  }
  resolve_known();
  return {};
}

/// New uids for what is in unknown_; under the lock.
Result<> MaildirState::assign() {
  if (unknown_.empty()) return {};
  struct File {
    DeliveryOrder order;
    const std::string* base;
    const Unknown* what;
  };
  std::vector<File> files;
  files.reserve(unknown_.size());
  for (auto& [base, what] : unknown_) {
    files.push_back({delivery_order(base), &base, &what});
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.order < b.order; });
  if (UINT32_MAX - uidnext_ <= files.size()) {
    return fail(Fault::Temporary, "all uids are used up");
  }
  std::string lines;
  uint32_t first = uidnext_;
  for (const File& file : files) {
    lines += format_uidlist_line({uidnext_++, *file.base, {}});
  }
  if (auto written = append_lines(lines); !written) {
    uidnext_ = first;
    return written;
  }
  pending_.reserve(pending_.size() + files.size());
  for (const File& file : files) {
    add_pending(*file.base, *file.what, first++, {});
  }
  unknown_.clear();
  flush_changes();
  return {};
}

Result<> MaildirState::resolve_locked() {
  auto read = read_uidlist();
  if (!read) {
    if (read.error().sys != ENOENT && read.error().fault != Fault::Protocol) {
      return read;
    }
    // Lost or broken: what we know is written anew, with what is found.
    TRY(start_uidlist());
  }
  // Under the lock nobody is writing: the rest of a line is for good.
  if (uidlist_tail_) uidlist_torn_ = true;
  TRY(collect());
  flush_changes();
  TRY(resolve_lines());
  TRY(assign());
  orphans_.clear();
  if (uidlist_torn_) TRY(rewrite_uidlist({}));
  return {};
}

Result<> MaildirState::resolve_unknown() {
  flush_changes();
  if (auto read = read_uidlist(); read) TRY(resolve_lines());
  if (unknown_.empty() && !uidlist_torn_) {
    orphans_.clear();
    return {};
  }
  auto lock = TRY(lock_uidlist(kReadTimeout));
  return resolve_locked();
}

Result<std::vector<uint32_t>> MaildirState::arrive(
    const std::vector<Arrival>& arrivals,
    const std::function<Result<>()>& place) {
  auto lock = TRY(lock_uidlist(kWriteTimeout));
  TRY(collect());
  flush_changes();
  TRY(resolve_locked());
  if (UINT32_MAX - uidnext_ <= arrivals.size()) {
    return fail(Fault::Temporary, "all uids are used up");
  }
  TRY(place());
  std::vector<uint32_t> uids;
  std::string lines;
  uint32_t first = uidnext_;
  for (const Arrival& arrival : arrivals) {
    uids.push_back(uidnext_);
    lines += format_uidlist_line({uidnext_++, arrival.base, arrival.fields});
  }
  if (auto written = append_lines(lines); !written) {
    uidnext_ = first;
    return fail(written.error());
  }
  for (const Arrival& arrival : arrivals) {
    Unknown file{arrival.in_new, arrival.base};
    if (!arrival.in_new) {
      file.name += maildir_info(arrival.flags, arrival.keywords);
    }
    add_pending(arrival.base, file, first, arrival.fields);
    Record& record = pending_[first++].record;
    record.keywords = arrival.keywords;
    record.size = arrival.size;
    record.virtual_size = arrival.virtual_size;
    record.internal_date = arrival.internal_date;
    record.save_date = arrival.save_date;
  }
  flush_changes();
  return uids;
}

Result<UniqueFd> MaildirState::uidlist_descriptor() const {
  UniqueFd copy(fcntl(uidlist_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail_errno("fcntl", errno);
  return copy;
}

std::optional<std::string> MaildirState::uidl_field(uint32_t uid, char key) {
  if (!know_fields()) return std::nullopt;
  auto it = fields_.find(uid);
  if (it == fields_.end()) return std::nullopt;
  auto value = uidlist_field(it->second, key);
  if (!value) return std::nullopt;
  const Record* record = find(uid);
  if (value->empty() && record) return std::string(record->name);
  return std::string(*value);
}

Result<> MaildirState::save_uidls(
    std::span<const std::pair<uint32_t, std::string>> uidls) {
  auto lock = TRY(lock_uidlist(kWriteTimeout));
  TRY(know_fields());
  TRY(resolve_locked());
  bool any = false;
  for (const auto& [uid, uidl] : uidls) {
    if (!find(uid)) continue;
    std::string& fields = fields_[uid];
    if (uidlist_field(fields, 'P')) continue;
    fields += (fields.empty() ? "P" : " P") + uidl;
    any = true;
  }
  if (!any) return {};
  return rewrite_uidlist({});
}

}  // namespace mail::mailbox
