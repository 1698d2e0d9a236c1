// Changing an mbox file. All under the write lock.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "common/base/file.h"
#include "common/mailbox/mbox_state.h"
#include "common/mailbox/registry.h"

namespace mail::mailbox {

Result<> write_at(int fd, uint64_t offset, std::string_view text) {
  while (!text.empty()) {
    ssize_t n =
        pwrite(fd, text.data(), text.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail_errno("write", n < 0 ? errno : ENOSPC);
    text.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Result<MboxLock> MboxState::lock(MboxLock::Kind kind) {
  if (kind == MboxLock::Kind::Write && read_only_) {
    return fail(Error{Fault::Permanent, "Mailbox is read-only", EROFS});
  }
  auto held =
      TRY(MboxLock::acquire(paths_.mailbox, fd_.get(), kind, options()));
  // What others did while we waited must be known before we trust offsets.
  registry_.watcher().read();
  // Who has edited it before may have been killed in the middle.
  if (kind == MboxLock::Kind::Write) TRY(apply_journal());
  return held;
}

/// Debian's dovecot knows a file by its size and the second of its time: no
/// such pair comes twice, or it would not see an edit and give a uid again.
void MboxState::date_edit(int64_t before, Edit edit) const {
  constexpr int64_t kMostAhead = 3600;  // many edits in one second
  struct stat info;
  if (fstat(fd_.get(), &info) != 0 || info.st_mtime > before) return;
  int64_t wanted = edit == Edit::Grew ? before : before + 1;
  if (info.st_mtime == wanted || wanted > info.st_mtime + kMostAhead) return;
  timespec times[2] = {{0, UTIME_OMIT}, {wanted, 0}};
  // Not an owner: then it is as with any other program.
  (void)futimens(fd_.get(), times);
}

std::string MboxState::block_for(const MboxHeader&, const Record& record,
                                 bool first, uint64_t body_size,
                                 size_t size) const {
  MboxFields fields;
  fields.uid = record.uid;
  fields.flags = record.flags;
  fields.old = !record.in_new;
  fields.keywords = names_of(record.keywords);
  fields.content_length = body_size;
  if (first) fields.base = MboxBase{uidvalidity_, uidnext_ - 1, keywords_};
  return make_mbox_block(fields, size);
}

Result<> MboxState::write_headers(const std::vector<uint32_t>& uids) {
  std::vector<uint32_t> all = uids;
  if (base_dirty_ && !records_.empty()) all.push_back(records_[0].uid);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<uint32_t> large;
  for (uint32_t uid : all) {
    const Record* record = find(uid);
    if (!record) continue;
    MboxHeader header = TRY(header_at(record->offset));
    size_t room = header.block_end - header.block_begin;
    std::string block =
        room == 0 ? std::string()
                  : block_for(header, *record, record == &records_[0],
                              record->size - header.visible.size(), room);
    if (block.empty()) {
      large.push_back(uid);
      continue;
    }
    TRY(write_at(fd_.get(), record->offset + header.block_begin, block));
    buffer_.clear();
  }
  if (!large.empty()) {
    size_t first = static_cast<size_t>(find(large[0]) - records_.data());
    TRY(rewrite(first, large, {}));
  }
  base_dirty_ = false;
  return {};
}

Result<> MboxState::rewrite(size_t first, const std::vector<uint32_t>& uids,
                            const std::vector<uint32_t>& without) {
  std::vector<Piece> pieces;
  std::vector<Mutation> moved;
  uint64_t begin = records_[first].offset, at = begin;
  bool is_first = first == 0;
  for (size_t i = first; i < records_.size(); ++i) {
    const Record& record = records_[i];
    if (std::binary_search(without.begin(), without.end(), record.uid)) {
      continue;
    }
    Record next = record;
    next.offset = at;
    uint64_t end = end_of(record);
    bool becomes_first = is_first && i != 0;
    if (becomes_first ||
        std::binary_search(uids.begin(), uids.end(), record.uid)) {
      MboxHeader header = TRY(header_at(record.offset));
      std::string from = std::string(reader()(record.offset, header.from_line));
      uint64_t body = record.size - header.visible.size();
      // The empty line comes last.
      std::string visible = header.visible;
      std::string_view blank =
          visible.ends_with("\r\n") &&
                  (visible.size() == 2 || visible.ends_with("\n\r\n"))
              ? "\r\n"
          : visible == "\n" || visible.ends_with("\n\n") ? "\n"
                                                         : "";
      visible.resize(visible.size() - blank.size());
      if (!visible.empty() && !visible.ends_with('\n')) visible += '\n';
      std::string text = from + visible +
                         block_for(header, record, is_first, body, 0) +
                         (blank.empty() ? "\n" : std::string(blank));
      if (!from.ends_with('\n')) text.insert(from.size(), "\n");
      at += text.size();
      pieces.push_back({std::move(text), 0, 0});
      pieces.push_back({{}, record.offset + header.size, body});
      pieces.push_back({"\n", 0, 0});
      at += body + 1;
      next.size = record.size + (blank.empty() ? 1 : 0);
    } else {
      pieces.push_back({{}, record.offset, end - record.offset});
      at += end - record.offset;
    }
    is_first = false;
    moved.push_back({Mutation::Kind::Update, next});
  }
  for (uint32_t uid : without) {
    if (find(uid)) moved.push_back({Mutation::Kind::Remove, {.uid = uid}});
  }
  int64_t before = stamp_.seconds;
  auto journaled = write_journal(begin, pieces);
  if (journaled) {
    TRY(apply_journal());
  } else {
    // A full disk must not keep its user from deleting mail.
    bool is_full =
        journaled.error().sys == ENOSPC || journaled.error().sys == EDQUOT;
    bool done = is_full && TRY(slide(begin, pieces));
    if (!done) return journaled;
  }
  date_edit(before, Edit::Changed);
  note_file();
  apply(moved);
  return {};
}

Result<> MboxState::write_flags(std::vector<Mutation>& changes) {
  auto held = TRY(lock(MboxLock::Kind::Write));
  if (!unchanged()) TRY(read_changes());
  std::vector<uint32_t> uids;
  std::vector<Mutation> next;
  for (const Mutation& change : changes) {
    const Record* now = find(change.record.uid);
    if (!now) continue;
    Mutation one{Mutation::Kind::Update, *now};
    one.record.flags = change.record.flags;
    one.record.keywords = change.record.keywords;
    next.push_back(one);
    uids.push_back(now->uid);
  }
  // What is written is what the records say.
  auto before = std::vector<Mutation>();
  for (const Mutation& one : next) {
    before.push_back({Mutation::Kind::Update, *find(one.record.uid)});
  }
  apply(next, silent_session());
  int64_t time_before = stamp_.seconds;
  auto written = write_headers(uids);
  date_edit(time_before, Edit::Changed);
  note_file();
  if (!written) {
    apply(before);
    return written;
  }
  for (Mutation& one : next) one.record = *find(one.record.uid);
  changes = std::move(next);
  return {};
}

void MboxState::claim() {
  if (first_recent_ != uidnext_) header_changed();
  first_recent_ = uidnext_;
  if (!fresh_ || read_only_) return;
  auto held = lock(MboxLock::Kind::Write);
  if (!held) return;
  if (!unchanged() && !read_changes()) return;
  std::vector<uint32_t> uids;
  for (Record& record : records_) {
    if (!record.in_new) continue;
    record.in_new = false;
    remember(record);
    uids.push_back(record.uid);
  }
  // Not a promise: the next one who writes to them says so too.
  int64_t before = stamp_.seconds;
  (void)write_headers(uids);
  fresh_ = false;
  date_edit(before, Edit::Changed);
  note_file();
}

Result<std::vector<uint32_t>> MboxState::remove(
    std::span<const uint32_t> uids) {
  auto held = TRY(lock(MboxLock::Kind::Write));
  if (!unchanged()) TRY(read_changes());
  std::vector<uint32_t> there;
  for (uint32_t uid : uids) {
    if (find(uid)) there.push_back(uid);
  }
  if (there.empty()) return there;
  std::sort(there.begin(), there.end());
  size_t first = static_cast<size_t>(find(there[0]) - records_.data());
  TRY(rewrite(first, {}, there));
  return there;
}

Result<std::vector<uint32_t>> MboxState::append(
    std::vector<Arrival>& arrivals) {
  auto held = TRY(lock(MboxLock::Kind::Write));
  if (!unchanged()) TRY(read_changes());
  if (!unwritten_.empty()) {
    TRY(write_headers(unwritten_));
    unwritten_.clear();
    note_file();
  }
  uint64_t begin = file_size_, at = begin;
  int64_t time_before = stamp_.seconds;
  std::vector<Mutation> added;
  std::vector<uint32_t> uids;
  uint32_t next_before = uidnext_;
  std::vector<KeywordMask> masks;
  for (const Arrival& one : arrivals) masks.push_back(mask_of(one.keywords));
  uidnext_ += static_cast<uint32_t>(arrivals.size());
  auto write = [&]() -> Result<> {
    // A message needs an empty line before it.
    std::string lead;
    if (begin > 0) {
      std::string_view tail = reader()(begin - std::min<uint64_t>(begin, 2), 2);
      lead = tail.ends_with("\n\n") ? "" : tail.ends_with('\n') ? "\n" : "\n\n";
    }
    TRY(write_at(fd_.get(), at, lead));
    at += lead.size();
    uint32_t uid = next_before;
    for (size_t i = 0; i < arrivals.size(); ++i) {
      Arrival& one = arrivals[i];
      std::string from = make_from_line(one.sender, one.date);
      auto parsed = parse_mbox_header(from + one.text);
      MboxHeader header = std::move(*parsed);
      size_t header_size = header.size - from.size();
      Record record;
      record.uid = uid++;
      record.offset = at;
      record.flags = one.flags;
      record.keywords = masks[i];
      record.in_new = true;
      record.internal_date = one.date;
      record.save_date = time(nullptr);
      uint64_t body = one.text.size() - header_size + one.file_size;
      std::string visible = header.visible;
      bool blank = visible == "\n" || visible.ends_with("\n\n");
      if (blank) visible.pop_back();
      if (!visible.empty() && !visible.ends_with('\n')) visible += '\n';
      std::string text =
          from + visible +
          block_for(header, record, begin == 0 && i == 0, body, 0) + "\n";
      record.size = visible.size() + 1 + body;
      text += std::string_view(one.text).substr(header_size);
      TRY(write_at(fd_.get(), at, text));
      at += text.size();
      std::string piece;
      for (uint64_t done = 0; done < one.file_size;) {
        piece.resize(256 << 10);
        ssize_t n = pread(one.file.get(), piece.data(), piece.size(),
                          static_cast<off_t>(done));
        if (n <= 0) return fail_errno("read", n < 0 ? errno : EIO);
        piece.resize(static_cast<size_t>(n));
        TRY(write_at(fd_.get(), at, piece));
        at += piece.size();
        done += piece.size();
      }
      TRY(write_at(fd_.get(), at, "\n"));
      ++at;
      added.push_back({Mutation::Kind::Add, record});
      uids.push_back(record.uid);
    }
    return {};
  };
  auto written = write();
  if (!written) {
    Error error = written.error();
    if (ftruncate(fd_.get(), static_cast<off_t>(begin)) != 0) {
      error.what += "; and it could not be cut back";
    }
    uidnext_ = next_before;
    note_file();
    error.what = fmt::format("{}: {}", paths_.mailbox, error.what);
    return fail(error);
  }
  note_file();
  fresh_ = true;
  apply(added);
  // X-IMAPbase has its last uid in ten digits: it fits in place.
  base_dirty_ = true;
  auto based = write_headers({});
  date_edit(time_before, Edit::Grew);
  note_file();
  // A uid that is not in there yet is given once more, to the same message.
  if (!based) log(UserSettings::Severity::Error, based.error().what);
  for (uint32_t uid : uids) {
    Record* record = find(uid);
    MboxHeader header = TRY(header_at(record->offset));
    uint64_t body = record->offset + header.size;
    MboxBody end =
        find_mbox_end(reader(), body, end_of(*record), header.content_length);
    record->virtual_size =
        record->size + end.bare_ends +
        static_cast<uint64_t>(
            std::count(header.visible.begin(), header.visible.end(), '\n') -
            [&] {
              long crlf = 0;
              for (size_t i = 1; i < header.visible.size(); ++i) {
                crlf +=
                    header.visible[i] == '\n' && header.visible[i - 1] == '\r';
              }
              return crlf;
            }());
    remember(*record);
  }
  return uids;
}

Result<UniqueFd> MboxState::descriptor() const {
  // Not a copy of ours: closing any descriptor ends the locks we hold, but
  // nobody holds one while a saving settles.
  UniqueFd copy(fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail_errno("fcntl", errno);
  return copy;
}

}  // namespace mail::mailbox
