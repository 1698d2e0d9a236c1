#include "common/mailbox/maildir_saving.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "common/base/file.h"
#include "common/mailbox/denied.h"

namespace mail::mailbox {

namespace {

constexpr size_t kBuffer = 128 << 10;
// Descriptors kept open for fsync; those of more messages are synced at once.
constexpr size_t kMaxOpen = 64;
constexpr int kMaxMoves = 10;

UniqueFd open_directory(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace

void LineConverter::emit(std::string_view bytes, std::string& out) {
  if (bytes.empty()) return;
  // A reader counts what is in the file: LF alone as two, CRLF as it is.
  bool bare = bytes == "\n" && last_ != '\r';
  out += bytes;
  physical_ += bytes.size();
  virtual_ += bytes.size() + (bare ? 1 : 0);
  last_ = bytes.back();
}

void LineConverter::convert(std::string_view bytes, std::string& out) {
  std::string_view line_end = to_crlf_ ? "\r\n" : "\n";
  while (!bytes.empty()) {
    if (pending_cr_) {
      pending_cr_ = false;
      if (bytes[0] == '\n') {
        emit(line_end, out);
        bytes.remove_prefix(1);
        continue;
      }
      emit("\r", out);
    }
    size_t end = std::min(bytes.find_first_of("\r\n"), bytes.size());
    emit(bytes.substr(0, end), out);
    bytes.remove_prefix(end);
    if (bytes.empty()) return;
    if (bytes[0] == '\r') {
      pending_cr_ = true;
    } else {
      emit(line_end, out);
    }
    bytes.remove_prefix(1);
  }
}

void LineConverter::finish(std::string& out) {
  if (pending_cr_) emit("\r", out);
  pending_cr_ = false;
}

MaildirSaving::MaildirSaving(std::shared_ptr<MaildirState> state, Uids uids)
    : state_(std::move(state)),
      uids_(uids),
      fsync_(state_->options().mail_fsync != Options::Fsync::Never),
      crlf_(state_->options().mail_save_crlf) {}

MaildirSaving::~MaildirSaving() { take_back(); }

void MaildirSaving::take_back() {
  if (committed_) return;
  for (Part& part : parts_) {
    unlink((part.placed.empty() ? part.temporary : part.placed).c_str());
  }
  parts_.clear();
}

Result<> MaildirSaving::begin(const SaveOptions& options) {
  Part part;
  part.arrival.base = new_maildir_base(state_->options().hostname);
  part.arrival.flags = options.flags.flags;
  part.arrival.keywords = state_->mask_of(options.flags.keywords);
  part.arrival.in_new = part.arrival.flags == 0 && part.arrival.keywords == 0;
  if (options.pop3_uidl) part.arrival.fields = "P" + *options.pop3_uidl;
  part.date = options.internal_date;
  part.temporary =
      fmt::format("{}/tmp/{}", state_->base_path(), part.arrival.base);
  part.fd =
      TRY(state_->permissions().create(part.temporary, O_WRONLY | O_EXCL));
  parts_.push_back(std::move(part));
  converter_ = LineConverter(crlf_);
  return {};
}

Result<> MaildirSaving::flush_buffer() {
  Part& part = parts_.back();
  if (auto written = write_all(part.fd.get(), buffer_); !written) {
    return fail_errno(fmt::format("write({})", part.temporary),
                      written.error().sys);
  }
  buffer_.clear();
  return {};
}

Result<> MaildirSaving::write(std::string_view bytes) {
  converter_.convert(bytes, buffer_);
  if (buffer_.size() < kBuffer) return {};
  return flush_buffer();
}

Result<> MaildirSaving::end() {
  converter_.finish(buffer_);
  TRY(flush_buffer());
  Part& part = parts_.back();
  part.arrival.size = converter_.physical();
  part.arrival.virtual_size = converter_.virtual_size();
  part.arrival.base += fmt::format(",S={},W={}", converter_.physical(),
                                   converter_.virtual_size());
  part.arrival.save_date = time(nullptr);
  part.arrival.internal_date = part.date.value_or(part.arrival.save_date);
  if (part.date) {
    timespec times[2] = {{*part.date, 0}, {*part.date, 0}};
    if (futimens(part.fd.get(), times) != 0) {
      return fail_errno(fmt::format("utimes({})", part.temporary), errno);
    }
  }
  if (parts_.size() > kMaxOpen) TRY(sync());
  return {};
}

Result<> MaildirSaving::sync() {
  for (Part& part : parts_) {
    if (!part.fd) continue;
    if (fsync_ && fsync(part.fd.get()) != 0) {
      return fail_errno(fmt::format("fsync({})", part.temporary), errno);
    }
    part.fd.reset();
  }
  return {};
}

Result<> MaildirSaving::place() {
  for (Part& part : parts_) {
    const MaildirState::Arrival& arrival = part.arrival;
    std::string to = fmt::format("{}/{}/{}", state_->base_path(),
                                 arrival.in_new ? "new" : "cur", arrival.base);
    if (!arrival.in_new) to += maildir_info(arrival.flags, arrival.keywords);
    if (rename(part.temporary.c_str(), to.c_str()) != 0) {
      return fail_access(
          fmt::format("rename({}, {}) failed", part.temporary, to), to,
          Wanted::Entry, errno);
    }
    part.placed = to;
  }
  return {};
}

Result<std::vector<uint32_t>> MaildirSaving::commit() {
  std::vector<uint32_t> uids;
  bool with_uids = uids_ == Uids::Now ||
                   std::any_of(parts_.begin(), parts_.end(), [](Part& p) {
                     return !p.arrival.fields.empty();
                   });
  if (with_uids) {
    std::vector<MaildirState::Arrival> arrivals;
    for (Part& part : parts_) arrivals.push_back(part.arrival);
    auto given = state_->arrive(arrivals, [this] { return place(); });
    if (!given) {
      take_back();
      return given;
    }
    uids = std::move(*given);
    if (fsync_) {
      to_settle_.push_back(TRY(state_->uidlist_descriptor()));
    }
  } else if (auto placed = place(); !placed) {
    take_back();
    return fail(placed.error());
  }
  committed_ = true;
  if (!fsync_) return uids;
  bool any[2] = {false, false};
  for (Part& part : parts_) any[part.arrival.in_new] = true;
  for (int in_new : {0, 1}) {
    if (!any[in_new]) continue;
    UniqueFd fd =
        open_directory(state_->base_path() + (in_new ? "/new" : "/cur"));
    if (!fd) return fail_errno("open directory", errno);
    to_settle_.push_back(std::move(fd));
  }
  return uids;
}

Result<> MaildirSaving::settle() {
  for (UniqueFd& fd : to_settle_) {
    if (fdatasync(fd.get()) != 0) return fail_errno("fdatasync", errno);
  }
  to_settle_.clear();
  return {};
}

Result<std::unique_ptr<Saving>> MaildirState::save(Uids uids) {
  return std::unique_ptr<Saving>(std::make_unique<MaildirSaving>(
      std::static_pointer_cast<MaildirState>(shared_from_this()), uids));
}

namespace {

/// Takes back links when not all could be made.
struct Links {
  std::vector<std::string> made;
  bool kept = false;
  ~Links() {
    if (kept) return;
    for (const std::string& path : made) unlink(path.c_str());
  }
};

}  // namespace

Result<std::optional<std::vector<uint32_t>>> MaildirState::link_from(
    State& source, std::span<const uint32_t> uids) {
  std::optional<std::vector<uint32_t>> none;
  auto* from = dynamic_cast<MaildirState*>(&source);
  if (!from || !options().maildir_copy_with_hardlinks ||
      from->permissions_.file != permissions_.file ||
      from->permissions_.group != permissions_.group) {
    return none;
  }
  std::vector<Arrival> arrivals;
  for (uint32_t uid : uids) {
    Record* record = TRY(from->with_facts(uid));
    Arrival arrival;
    std::vector<std::string> names;
    for (unsigned i = 0; i < from->keywords().size(); ++i) {
      if (record->keywords >> i & 1) names.push_back(from->keywords()[i]);
    }
    arrival.flags = record->flags;
    arrival.size = record->size;
    arrival.virtual_size = record->virtual_size;
    arrival.internal_date = record->internal_date;
    arrival.save_date = time(nullptr);
    arrival.base = new_maildir_base(options().hostname) +
                   fmt::format(",S={}", record->size);
    if (record->virtual_size != Record::kUnknown) {
      arrival.base += fmt::format(",W={}", record->virtual_size);
    }
    arrival.keywords = mask_of(names);
    arrival.in_new = arrival.flags == 0 && arrival.keywords == 0;
    arrivals.push_back(std::move(arrival));
  }
  Links links;
  bool other_file_system = false;
  auto given = arrive(arrivals, [&]() -> Result<> {
    for (size_t i = 0; i < uids.size(); ++i) {
      const Arrival& arrival = arrivals[i];
      std::string to =
          directory(arrival.in_new ? kNew : kCur) + "/" + arrival.base;
      if (!arrival.in_new) to += maildir_info(arrival.flags, arrival.keywords);
      int error = ENOENT;
      for (int k = 0; k < kMaxMoves && error == ENOENT; ++k) {
        const Record* record = from->find(uids[i]);
        if (!record) return from->expunged(uids[i]);
        std::string path = from->file_path(*record);
        error = link(path.c_str(), to.c_str()) == 0 ? 0 : errno;
        if (error != ENOENT) break;
        from->scan_needed_ = true;
        TRY(from->collect());
        from->flush_changes();
      }
      if (error == EXDEV || error == EMLINK || error == EPERM) {
        other_file_system = true;
      }
      if (error) return fail_errno(fmt::format("link({})", to), error);
      links.made.push_back(to);
    }
    return {};
  });
  if (other_file_system) return none;
  if (!given) return fail(given.error());
  links.kept = true;
  if (options().mail_fsync != Options::Fsync::Never) {
    bool any[2] = {false, false};
    for (const Arrival& arrival : arrivals) any[arrival.in_new] = true;
    for (int in_new : {0, 1}) {
      if (!any[in_new]) continue;
      UniqueFd fd = open_directory(directory(in_new ? kNew : kCur));
      if (!fd || fdatasync(fd.get()) != 0) {
        return fail_errno("fsync of directory", errno);
      }
    }
    if (fdatasync(uidlist_.get()) != 0) return fail_errno("fdatasync", errno);
  }
  return std::optional(std::move(*given));
}

}  // namespace mail::mailbox
