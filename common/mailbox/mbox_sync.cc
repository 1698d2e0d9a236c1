// Reading an mbox file, and what others have done to it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "common/crypto/digest.h"
#include "common/mailbox/denied.h"
#include "common/mailbox/mbox_state.h"
#include "common/mailbox/registry.h"
#include "common/mailbox/uidvalidity.h"

namespace mail::mailbox {

namespace {
constexpr size_t kWindow = 256 << 10;
constexpr uint64_t kMaxInMemory = 256 << 10;
}  // namespace

void MboxState::on_watch(int, Watcher::What what, std::string_view) {
  told_ = true;
  if (what == Watcher::What::Ended) watching_ = false;
}

Result<> MboxState::reopen() {
  UniqueFd fd(::open(paths_.mailbox.c_str(), O_RDWR | O_CLOEXEC));
  read_only_ = !fd && (errno == EACCES || errno == EROFS);
  if (read_only_) {
    fd.reset(::open(paths_.mailbox.c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!fd)
    return fail_access(fmt::format("open({}) failed", paths_.mailbox),
                       paths_.mailbox, Wanted::Read, errno);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return fail_errno("fstat", errno);
  if (!S_ISREG(info.st_mode)) {
    return fail(
        Fault::Permanent,
        fmt::format("Mailbox isn't a regular file: {}", paths_.mailbox));
  }
  fd_ = std::move(fd);
  buffer_.clear();
  registry_.watcher().forget(this);
  watching_ = registry_.watcher().watch_file(paths_.mailbox, this, 0);
  told_ = true;
  return {};
}

bool MboxState::unchanged() const {
  if (watching_ && !told_) return true;
  return Stamp::of(paths_.mailbox) == stamp_ && is_settled(stamp_);
}

/// What we have just seen or made is what is known of the file.
void MboxState::note_file() {
  registry_.watcher().read();
  told_ = false;
  stamp_ = Stamp::of(paths_.mailbox);
  file_size_ = stamp_.size;
  buffer_.clear();
}

MboxRead MboxState::reader() const {
  return [this](uint64_t offset, size_t size) -> std::string_view {
    bool inside =
        offset >= buffer_at_ && offset + size <= buffer_at_ + buffer_.size();
    // What ends at the end of the file cannot be longer.
    bool at_end = offset >= buffer_at_ && !buffer_.empty() &&
                  buffer_at_ + buffer_.size() == file_size_ &&
                  offset <= file_size_;
    if (!inside && !at_end) {
      buffer_.resize(std::max(size, kWindow));
      ssize_t n = pread(fd_.get(), buffer_.data(), buffer_.size(),
                        static_cast<off_t>(offset));
      buffer_.resize(n > 0 ? static_cast<size_t>(n) : 0);
      buffer_at_ = offset;
    }
    return std::string_view(buffer_).substr(
        static_cast<size_t>(offset - buffer_at_), size);
  };
}

Result<MboxHeader> MboxState::header_at(uint64_t offset) const {
  auto read = reader();
  std::string_view text;
  for (size_t size = 4096; size <= kMaxMboxHeader; size *= 4) {
    text = read(offset, size);
    if (has_mbox_header_end(text) || text.size() < size) break;
  }
  auto header = parse_mbox_header(text);
  if (!header) {
    return fail(Fault::Protocol,
                fmt::format("{} isn't a valid mbox file: no From_ line at {}",
                            paths_.mailbox, offset));
  }
  return std::move(*header);
}

KeywordMask MboxState::mask_of(const std::vector<std::string>& names) {
  KeywordMask out = 0;
  for (const std::string& name : names) {
    if (auto bit = add_keyword(name)) out |= KeywordMask{1} << *bit;
  }
  return out;
}

std::vector<std::string> MboxState::names_of(KeywordMask mask) const {
  std::vector<std::string> out;
  for (size_t i = 0; i < keywords_.size(); ++i) {
    if (mask >> i & 1) out.push_back(keywords_[i]);
  }
  return out;
}

Result<unsigned> MboxState::add_keyword(const std::string& name) {
  if (auto bit = keyword_bit(name)) return *bit;
  if (keywords_.size() >= kMaxKeywords) {
    return fail(
        Error{Fault::Permanent, "Too many keywords in this mailbox", E2BIG});
  }
  keywords_.push_back(name);
  base_dirty_ = true;
  return static_cast<unsigned>(keywords_.size() - 1);
}

/// Messages from `offset` on; before it stand the first `known` records.
Result<> MboxState::parse_from(uint64_t offset, size_t known) {
  std::vector<Mutation> changes;
  auto read = reader();
  uint32_t last = known > 0 ? records_[known - 1].uid : 0;
  std::optional<MboxBase> base;
  if (known > 0) base = TRY(header_at(records_[0].offset)).base;
  bool restarted = false;
  std::vector<uint32_t> seen;
  unwritten_.clear();
  while (offset < file_size_) {
    MboxHeader header = TRY(header_at(offset));
    uint64_t body = offset + header.size;
    MboxBody end = find_mbox_end(read, std::min(body, file_size_), file_size_,
                                 header.content_length);
    bool first = known == 0 && seen.empty();
    if (first && header.base && !base) {
      base = header.base;
      if (uidvalidity_ != 0 && base->uidvalidity != 0 &&
          base->uidvalidity != uidvalidity_) {
        reset(base->uidvalidity, base->last_uid + 1);
      }
      if (uidvalidity_ == 0) uidvalidity_ = base->uidvalidity;
      uidnext_ = std::max(uidnext_, base->last_uid + 1);
      for (const std::string& name : base->keywords) (void)add_keyword(name);
    }
    if (header.pseudo && first) {
      offset = end.next;
      continue;
    }
    // A uid counts if the mailbox has given it, and keeps the order.
    bool given = header.uid && base && *header.uid <= base->last_uid &&
                 *header.uid > last && base->uidvalidity == uidvalidity_;
    uint32_t uid = given ? *header.uid : std::max(uidnext_, last + 1);
    if (!given && header.uid && base && *header.uid <= last && !restarted) {
      log(UserSettings::Severity::Warning,
          "UID ordering wrong, UIDs restarted");
      restarted = true;
    }
    uidnext_ = std::max(uidnext_, uid + 1);
    last = uid;
    seen.push_back(uid);
    if (!given) unwritten_.push_back(uid);
    Mutation change;
    const Record* now = find(uid);
    if (now) change.record = *now;
    Record& record = change.record;
    change.kind = now ? Mutation::Kind::Update : Mutation::Kind::Add;
    record.uid = uid;
    record.offset = offset;
    record.in_new = !header.old;
    record.flags = header.flags;
    record.keywords = mask_of(header.keywords);
    uint64_t visible = header.visible.size();
    record.size = visible + (end.end - std::min(body, end.end));
    record.virtual_size = record.size + end.bare_ends;
    for (size_t i = 0; i < header.visible.size(); ++i) {
      bool bare = header.visible[i] == '\n' &&
                  (i == 0 || header.visible[i - 1] != '\r');
      if (bare) ++record.virtual_size;
    }
    record.internal_date = header.date;
    if (record.save_date == Record::kNoDate) record.save_date = time(nullptr);
    if (!now && record.in_new) fresh_ = true;
    changes.push_back(std::move(change));
    offset = end.next;
  }
  size_t next = 0;
  for (size_t i = known; i < records_.size(); ++i) {
    while (next < seen.size() && seen[next] < records_[i].uid) ++next;
    if (next < seen.size() && seen[next] == records_[i].uid) continue;
    changes.push_back({Mutation::Kind::Remove, {.uid = records_[i].uid}});
  }
  base_dirty_ = base_dirty_ || !base || base->uidvalidity != uidvalidity_ ||
                base->last_uid + 1 != uidnext_;
  if (uidvalidity_ == 0) {
    TRY(permissions_.make_directories(paths_.validity));
    uidvalidity_ = TRY(next_uidvalidity(paths_.validity, permissions_));
  }
  apply(changes);
  return {};
}

/// Under a lock.
Result<> MboxState::read_changes() {
  struct stat ours, theirs;
  if (stat(paths_.mailbox.c_str(), &theirs) != 0) {
    return fail_errno(fmt::format("stat({})", paths_.mailbox), errno);
  }
  if (fstat(fd_.get(), &ours) != 0) return fail_errno("fstat", errno);
  uint64_t before = file_size_;
  note_file();
  // Those of ours who change what is there say so in the index; other programs
  // deliver mail. Without an index nothing is known.
  adopt_foreign();
  bool grown = index_ && !std::exchange(others_wrote_, false) && loaded_ &&
               !records_.empty() && file_size_ > before &&
               ours.st_ino == stamp_.inode && only_appended(before);
  if (grown) return parse_from(before, records_.size());
  return parse_from(0, 0);
}

/// Whether the last message known is where it was, with a new one at `end`.
bool MboxState::only_appended(uint64_t end) const {
  auto last = header_at(records_.back().offset);
  if (!last || last->uid != records_.back().uid) return false;
  auto text = reader()(end, 512);
  return parse_from_line(text.substr(0, text.find('\n'))).has_value();
}

Result<> MboxState::refresh() {
  adopt_foreign();
  if (watching_) registry_.watcher().read();
  if (unchanged()) return {};
  struct stat ours, theirs;
  if (stat(paths_.mailbox.c_str(), &theirs) != 0) {
    return fail_errno(fmt::format("stat({})", paths_.mailbox), errno);
  }
  if (!fd_ || fstat(fd_.get(), &ours) != 0 || ours.st_ino != theirs.st_ino) {
    TRY(reopen());
  }
  {
    auto held = TRY(lock(MboxLock::Kind::Read));
    TRY(read_changes());
  }
  if (unwritten_.empty() || read_only_) return {};
  auto numbered = number_messages();
  // Unwritten uids hold as long as we remember them.
  if (!numbered) {
    log(UserSettings::Severity::Error, numbered.error().what);
    told_ = true;
  }
  return {};
}

Result<> MboxState::number_messages() {
  auto held = TRY(lock(MboxLock::Kind::Write));
  if (!unchanged()) TRY(read_changes());
  auto uids = std::move(unwritten_);
  unwritten_.clear();
  int64_t before = stamp_.seconds;
  auto written = write_headers(uids);
  if (!written) unwritten_ = std::move(uids);
  date_edit(before, Edit::Changed);
  note_file();
  return written;
}

Result<> MboxState::load() {
  permissions_ = Permissions::of(paths_.mailbox);
  permissions_.directory = 0700;
  TRY(reopen());
  open_index();
  TRY(finish_journal());
  IndexHeader header;
  if (load_index(header)) {
    auto held = TRY(lock(MboxLock::Kind::Read));
    TRY(load_from_index(header));
  } else {
    // One after another, so that all have one uidvalidity.
    auto held = lock(MboxLock::Kind::Write);
    if (held) {
      TRY(load_first());
    } else if (held.error().sys == EACCES || held.error().sys == EROFS) {
      auto reading = TRY(lock(MboxLock::Kind::Read));
      TRY(load_first());
    } else {
      return fail(held.error());
    }
  }
  loaded_ = true;
  if (!unwritten_.empty() && !read_only_) TRY(number_messages());
  // The format has no place for one: the same for all who look, as long as
  // the uids hold.
  guid_ = crypto::hex(crypto::digest(
                          crypto::Hash::Sha256,
                          fmt::format("{}:{}", paths_.mailbox, uidvalidity_)))
              .substr(0, 32);
  return {};
}

/// Under a lock.
Result<> MboxState::load_from_index(const IndexHeader& header) {
  if (header.stamps[0].inode == 0 ||
      Stamp::of(paths_.mailbox) != header.stamps[0]) {
    return read_changes();
  }
  note_file();
  for (const Record& record : records_) {
    if (record.in_new) fresh_ = true;
  }
  return {};
}

/// Under a lock, the write lock if that can be had.
Result<> MboxState::load_first() {
  // Another may have been faster.
  IndexHeader header;
  if (load_index(header)) return load_from_index(header);
  auto index = std::move(index_);  // all at once, at the end
  TRY(read_changes());
  index_ = std::move(index);
  first_recent_ = uidnext_;
  for (const Record& record : records_) {
    if (record.in_new) {
      first_recent_ = record.uid;
      break;
    }
  }
  if (file_size_ != 0) start_modseq();
  publish();
  return {};
}

void MboxState::close() {
  if (!index_) return;
  Stamp stamps[3];
  if (refresh() && unwritten_.empty()) {
    stamps[0] = stamp_;
    if (!is_settled(stamp_)) stamps[0] = {};
  }
  close_index(stamps);
}

uint64_t MboxState::end_of(const Record& record) const {
  size_t next = static_cast<size_t>(&record - records_.data()) + 1;
  return next < records_.size() ? records_[next].offset : file_size_;
}

Result<std::unique_ptr<MessageReader>> MboxState::open_message(uint32_t uid) {
  TRY(refresh());
  auto held = TRY(lock(MboxLock::Kind::Read));
  if (!unchanged()) TRY(read_changes());
  const Record* record = find(uid);
  if (!record) return expunged(uid);
  MboxHeader header = TRY(header_at(record->offset));
  uint64_t body = record->offset + header.size;
  // Others may cut the file or move what is in it as soon as the lock is
  // gone: the message is ours then.
  std::string text = std::move(header.visible);
  if (record->size < text.size() || body > file_size_) {
    return std::make_unique<MessageReader>(UniqueFd(), std::move(text), 0, 0);
  }
  uint64_t left = record->size - text.size();
  if (left <= kMaxInMemory) {
    auto read = reader();
    text += read(body, static_cast<size_t>(left));
    return std::make_unique<MessageReader>(UniqueFd(), std::move(text), 0, 0);
  }
  UniqueFd copy(::open(options().mail_temp_dir.c_str(),
                       O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!copy) {
    return fail_errno(
        fmt::format("open({}) of a temporary file", options().mail_temp_dir),
        errno);
  }
  auto from = static_cast<off_t>(body);
  uint64_t size = left;
  while (left > 0) {
    ssize_t n = copy_file_range(fd_.get(), &from, copy.get(), nullptr,
                                static_cast<size_t>(left), 0);
    if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS)) {
      std::string piece(std::min<uint64_t>(left, kWindow), 0);
      n = pread(fd_.get(), piece.data(), piece.size(), from);
      if (n > 0 &&
          ::write(copy.get(), piece.data(), static_cast<size_t>(n)) != n)
        n = -1;
      if (n > 0) from += n;
    }
    if (n < 0) return fail_errno("copy to a temporary file", errno);
    if (n == 0) break;
    left -= static_cast<uint64_t>(n);
  }
  return std::make_unique<MessageReader>(std::move(copy), std::move(text), 0,
                                         size - left);
}

Result<> MboxState::learn_facts(Record& record) {
  if (record.save_date == Record::kNoDate) {
    record.save_date = record.internal_date;
  }
  return {};
}

Result<std::string> MboxState::message_guid(uint32_t uid) {
  auto reader = TRY(open_message(uid));
  std::string header = TRY(reader->read_header());
  return crypto::hex(crypto::digest(crypto::Hash::Md5, header));
}

std::optional<std::string> MboxState::uidl_field(uint32_t, char) {
  return std::nullopt;
}

Result<> MboxState::save_uidls(
    std::span<const std::pair<uint32_t, std::string>>) {
  return {};
}

}  // namespace mail::mailbox
