#include "common/mailbox/state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "common/base/ascii.h"
#include "common/mailbox/registry.h"

namespace mail::mailbox {

namespace {

constexpr size_t kNameChunk = 64 << 10;  // of names
constexpr size_t kMaxChanges =
    100'000;  // a session further behind looks at all
constexpr size_t kMaxHistory = 100'000;  // expunged uids remembered

bool by_uid(const Record& record, uint32_t uid) { return record.uid < uid; }

}  // namespace

State::State(Registry& registry, MailboxPaths paths,
             std::shared_ptr<const UserSettings> settings)
    : registry_(registry),
      paths_(std::move(paths)),
      settings_(std::move(settings)) {}

State::~State() { registry_.watcher().forget(this); }

Result<std::optional<std::vector<uint32_t>>> State::link_from(
    State&, std::span<const uint32_t>) {
  return std::optional<std::vector<uint32_t>>();
}

Record* State::find(uint32_t uid) {
  // Most who ask walk along: the same again, or the next.
  for (size_t i = hint_; i < records_.size() && i < hint_ + 2; ++i) {
    if (records_[i].uid != uid) continue;
    hint_ = i;
    return &records_[i];
  }
  auto it = std::lower_bound(records_.begin(), records_.end(), uid, by_uid);
  if (it == records_.end() || it->uid != uid) return nullptr;
  hint_ = static_cast<size_t>(it - records_.begin());
  return &*it;
}

std::shared_ptr<const std::vector<uint32_t>> State::uids() {
  if (!uids_) {
    auto list = std::make_shared<std::vector<uint32_t>>();
    list->reserve(records_.size());
    for (const Record& record : records_) list->push_back(record.uid);
    uids_ = std::move(list);
  }
  return uids_;
}

std::string_view State::intern(std::string_view text) {
  if (names_.empty() ||
      names_.back().capacity() - names_.back().size() < text.size()) {
    names_.emplace_back();
    names_.back().reserve(std::max(kNameChunk, text.size()));
  }
  std::string& chunk = names_.back();
  size_t at = chunk.size();
  chunk += text;
  return std::string_view(chunk).substr(at);
}

std::optional<unsigned> State::keyword_bit(std::string_view name) const {
  for (unsigned i = 0; i < keywords_.size(); ++i) {
    if (iequals(keywords_[i], name)) return i;
  }
  return std::nullopt;
}

void State::log(UserSettings::Severity severity, std::string_view text) const {
  if (!settings_->log) return;
  settings_->log(severity, fmt::format("Mailbox {}: {}", paths_.label, text));
}

Failure State::expunged(uint32_t uid) const {
  return fail(Error{Fault::Permanent,
                    fmt::format("UID={}: Message was expunged", uid), ENOENT});
}

Result<Record*> State::with_facts(uint32_t uid) {
  Record* record = find(uid);
  if (!record) return expunged(uid);
  if (record->size == Record::kUnknown ||
      record->internal_date == Record::kNoDate) {
    TRY(learn_facts(*record));
    record = find(uid);
    if (!record) return expunged(uid);
    remember(*record);
  }
  return record;
}

Result<uint64_t> State::virtual_size(uint32_t uid) {
  Record* record = find(uid);
  if (!record) return expunged(uid);
  if (record->virtual_size == Record::kUnknown) {
    auto reader = TRY(open_message(uid));
    uint64_t size = TRY(reader->virtual_size());
    record = find(uid);
    if (!record) return expunged(uid);
    record->virtual_size = size;
    remember(*record);
  }
  return record->virtual_size;
}

Status State::status(bool with_size, Result<>& trouble) {
  Status out;
  out.messages = static_cast<uint32_t>(records_.size());
  out.uidnext = uidnext_;
  out.uidvalidity = uidvalidity_;
  out.highest_modseq = highest_modseq_;
  out.guid = guid_;
  for (const Record& record : records_) {
    if (!(record.flags & kSeen)) ++out.unseen;
    if (record.uid >= first_recent_) ++out.recent;
  }
  if (!with_size) return out;
  auto list = uids();
  for (uint32_t uid : *list) {
    auto size = virtual_size(uid);
    if (size) {
      out.size += *size;
    } else if (size.error().sys != ENOENT) {
      trouble = fail(size.error());
      return out;
    }
  }
  return out;
}

void State::attach(Mailbox* session,
                   std::shared_ptr<const UserSettings> settings) {
  sessions_.push_back(session);
  settings_ = std::move(settings);
  session->seen_change_ = first_change_ + changes_.size();
}

void State::detach(Mailbox* session) {
  if (sessions_.size() == 1 && sessions_[0] == session) close();
  std::erase(sessions_, session);
  for (Change& change : changes_) {
    if (change.silent == session) change.silent = nullptr;
  }
  if (silent_ == session) silent_ = nullptr;
  if (wished_silent_ == session) wished_silent_ = nullptr;
}

void State::announce() {
  bool heard = std::any_of(sessions_.begin(), sessions_.end(),
                           [](Mailbox* s) { return bool{s->on_change_}; });
  if (heard) registry_.changed(weak_from_this());
}

void State::tell_sessions() {
  auto keep = shared_from_this();
  auto refreshed = refresh();
  if (!refreshed) {
    log(UserSettings::Severity::Error, refreshed.error().what);
    return;
  }
  uint64_t end = first_change_ + changes_.size();
  std::vector<Mailbox*> concerned;
  for (Mailbox* session : sessions_) {
    if (session->seen_change_ != end && session->on_change_) {
      concerned.push_back(session);
    }
  }
  for (Mailbox* session : concerned) {
    // One that was called may have ended another.
    if (std::find(sessions_.begin(), sessions_.end(), session) !=
            sessions_.end() &&
        session->on_change_) {
      auto call = session->on_change_;
      call();
    }
  }
}

void State::note(Change::Kind kind, uint32_t uid) {
  changes_.push_back({kind, uid, silent_});
}

bool State::apply_one(const Mutation& change, uint64_t modseq) {
  uint32_t uid = change.record.uid;
  auto it = std::lower_bound(records_.begin(), records_.end(), uid, by_uid);
  bool there = it != records_.end() && it->uid == uid;
  if (change.kind == Mutation::Kind::Remove) {
    if (!there) return false;
    odd_.erase(uid);
    records_.erase(it);
    uids_.reset();
    history_.push_back({modseq, uid});
    note(Change::Kind::Removed, uid);
    return true;
  }
  if (!there) {
    if (change.kind == Mutation::Kind::Update) return false;
    if (told_gone_.count(uid)) return false;  // came and went
    it = records_.insert(it, change.record);
    it->modseq = modseq;
    last_uid_ = std::max(last_uid_, uid);
    uidnext_ = std::max(uidnext_, uid + 1);
    uids_.reset();
    note(Change::Kind::Added, uid);
    return true;
  }
  bool changed = it->flags != change.record.flags ||
                 it->keywords != change.record.keywords;
  uint64_t old = it->modseq;
  *it = change.record;
  it->modseq = changed ? modseq : old;
  if (changed) note(Change::Kind::Flagged, uid);
  return changed;
}

/// Whether any was one that clients see.
bool State::apply_all(std::vector<Mutation>& changes, Index::Writer* writer) {
  uint64_t modseq = highest_modseq_ + 1;
  bool any = false;
  for (const Mutation& change : changes) {
    if (apply_one(change, modseq)) {
      any = true;
      if (change.kind == Mutation::Kind::Remove && writer) {
        writer->remove(change.record.uid, modseq);
      }
    }
    if (!writer || change.kind == Mutation::Kind::Remove) continue;
    if (const Record* record = find(change.record.uid)) {
      writer->put(*record, odd_of(*record));
    }
  }
  if (any) highest_modseq_ = modseq;
  return any;
}

/// What no session needs any more.
void State::trim() {
  while (history_.size() > kMaxHistory) {
    history_floor_ = history_.front().modseq;
    history_.pop_front();
  }
  if (sessions_.empty()) {
    first_change_ += changes_.size();
    changes_.clear();
    return;
  }
  uint64_t needed = UINT64_MAX;
  for (Mailbox* s : sessions_) needed = std::min(needed, s->seen_change_);
  while (!changes_.empty() &&
         (first_change_ < needed || changes_.size() > kMaxChanges)) {
    changes_.pop_front();
    ++first_change_;
  }
}

void State::apply(std::vector<Mutation>& changes, const Mailbox* silent) {
  silent_ = silent;
  bool any = false;
  uint64_t floor = history_floor_;
  bool written = write_index([&](Index::Writer& writer) {
    any = apply_all(changes, &writer);
    trim();
    if (history_floor_ != floor) writer.trim_expunged(history_floor_);
  });
  if (!written) {
    any = apply_all(changes, nullptr);
    trim();
    if (index_) save_all();
  }
  silent_ = nullptr;
  if (any) announce();
}

std::optional<std::vector<uint32_t>> State::expunged_since(
    uint64_t modseq) const {
  if (modseq < history_floor_) return std::nullopt;
  std::vector<uint32_t> out;
  for (auto it = history_.rbegin(); it != history_.rend(); ++it) {
    if (it->modseq <= modseq) break;
    out.push_back(it->uid);
  }
  std::sort(out.begin(), out.end());
  return out;
}

void State::reset(uint32_t uidvalidity, uint32_t uidnext) {
  std::vector<Mutation> gone;
  for (const Record& record : records_) {
    gone.push_back({Mutation::Kind::Remove, {.uid = record.uid}});
  }
  apply(gone);
  pending_blocks_.clear();
  drop_blocks();
  uidvalidity_ = uidvalidity;
  uidnext_ = uidnext;
  first_recent_ = uidnext;
  last_uid_ = 0;
}

void State::start_modseq() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t start = static_cast<uint64_t>(now.tv_sec) * 1000 +
                   static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
  highest_modseq_ = std::max(highest_modseq_ + 1, start);
  history_floor_ = highest_modseq_;
  history_.clear();
  for (Record& record : records_) record.modseq = highest_modseq_;
}

}  // namespace mail::mailbox
