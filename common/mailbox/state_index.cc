// What a state keeps in the index, and takes from there.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "common/mailbox/registry.h"
#include "common/mailbox/state.h"

namespace mail::mailbox {

namespace {

constexpr size_t kMaxCachedValue = 16 << 10;
constexpr size_t kMaxBlock = 256 << 10;
constexpr size_t kMaxPendingCache = 1 << 20;  // until it is written
constexpr size_t kMaxReadBlocks = 8;
constexpr size_t kMaxPendingFacts = 4096;
constexpr size_t kFileSlack = 64 << 20;  // beside mail_cache_max_size
// The kernel's clock for files goes in steps of up to 10 ms.
constexpr int64_t kClockStep = 20'000'000;

}  // namespace

Stamp Stamp::of(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return {};
  return {info.st_ino, static_cast<uint64_t>(info.st_size), info.st_mtim.tv_sec,
          info.st_mtim.tv_nsec};
}

bool State::is_settled(const Stamp& stamp) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int64_t age = (now.tv_sec - stamp.seconds) * 1'000'000'000 + now.tv_nsec -
                stamp.nanoseconds;
  // A file system that knows seconds only.
  if (stamp.nanoseconds == 0) return age > 2'000'000'000;
  return age > kClockStep;
}

void State::open_index() {
  if (paths_.index.empty()) return;
  std::string why;
  auto file = registry_.indexes().open(
      paths_.index, options().mail_cache_max_size + kFileSlack, why);
  if (!file) {
    log(UserSettings::Severity::Warning,
        why + ": going on without an index on disk");
    return;
  }
  index_ = std::make_unique<Index>(std::move(file), paths_.index_key);
}

bool State::load_index(IndexHeader& header) {
  if (!index_ || !index_->header(header)) return false;
  if (header.uidvalidity == 0) return false;
  std::vector<Index::Expunged> expunged;
  bool whole = index_->load(
      [&](const Record& record, std::string_view odd) {
        if (!records_.empty() && records_.back().uid >= record.uid) return;
        records_.push_back(record);
        records_.back().name = intern(record.name);
        if (record.odd_info) odd_[record.uid] = odd;
      },
      expunged);
  if (!whole) {
    records_.clear();
    odd_.clear();
    index_->write([](Index::Writer& writer) { writer.clear(); });
    return false;
  }
  uids_.reset();
  last_uid_ = records_.empty() ? 0 : records_.back().uid;
  uidvalidity_ = header.uidvalidity;
  uidnext_ = header.uidnext;
  if (!records_.empty()) {
    uidnext_ = std::max(uidnext_, records_.back().uid + 1);
  }
  first_recent_ = header.first_recent;
  highest_modseq_ = header.highest_modseq;
  history_floor_ = header.history_floor;
  guid_ = header.guid;
  writes_ = header.writes;
  for (const Index::Expunged& one : expunged) {
    history_.push_back({one.modseq, one.uid});
  }
  take_keywords(header.keywords);
  for (int i = 0; i < 3; ++i) stored_stamps_[i] = header.stamps[i];
  return true;
}

void State::take_keywords(const std::vector<std::string>& names) {
  if (keywords_.size() < names.size()) keywords_.resize(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (keywords_[i].empty()) keywords_[i] = names[i];
  }
}

IndexHeader State::header_now() const {
  IndexHeader out;
  out.uidvalidity = uidvalidity_;
  out.uidnext = uidnext_;
  out.first_recent = first_recent_;
  out.highest_modseq = highest_modseq_;
  out.history_floor = history_floor_;
  out.guid = guid_;
  out.keywords = keywords_;
  return out;
}

std::string_view State::odd_of(const Record& record) const {
  if (!record.odd_info) return {};
  auto it = odd_.find(record.uid);
  return it == odd_.end() ? std::string_view() : it->second;
}

/// What another process has done, by its word in the index.
void State::adopt(Index::Writer& writer, const IndexHeader& header) {
  others_wrote_ = true;
  if (files_decide()) {
    // What the other has done is in the mailbox itself: only how new it is.
    writer.walk([&](const Record& theirs, std::string_view) {
      Record* mine = find(theirs.uid);
      if (mine) mine->modseq = std::max(mine->modseq, theirs.modseq);
    });
    highest_modseq_ = std::max(highest_modseq_, header.highest_modseq);
    uidnext_ = std::max(uidnext_, header.uidnext);
    first_recent_ = std::max(first_recent_, header.first_recent);
    writes_ = header.writes;
    return;
  }
  take_keywords(header.keywords);
  std::vector<Record> news;
  writer.walk([&](const Record& theirs, std::string_view odd) {
    Record* mine = find(theirs.uid);
    if (!mine) {
      // What we have seen go is not to come again.
      if (theirs.uid > last_uid_) {
        Record added = theirs;
        added.name = intern(theirs.name);
        if (theirs.odd_info) odd_[theirs.uid] = odd;
        news.push_back(added);
      }
      return;
    }
    if (theirs.modseq <= mine->modseq) return;
    if (theirs.flags != mine->flags || theirs.keywords != mine->keywords) {
      note(Change::Kind::Flagged, mine->uid);
    }
    std::string_view name = mine->name;
    *mine = theirs;
    mine->name = name;
    odd_.erase(mine->uid);
    if (theirs.odd_info) odd_[mine->uid] = odd;
  });
  // Only now: adding moves records.
  for (const Record& added : news) {
    records_.push_back(added);
    last_uid_ = std::max(last_uid_, added.uid);
    uidnext_ = std::max(uidnext_, added.uid + 1);
    uids_.reset();
    note(Change::Kind::Added, added.uid);
    adopted(records_.back());
  }
  for (const Index::Expunged& one : writer.expunged_after(highest_modseq_)) {
    told_gone_.insert(one.uid);
    if (!find(one.uid)) {
      // Others' clients may have known it.
      history_.push_back({one.modseq, one.uid});
      continue;
    }
    Mutation removal{Mutation::Kind::Remove, *find(one.uid)};
    about_to_remove(removal.record);
    apply_one(removal, one.modseq);
  }
  highest_modseq_ = std::max(highest_modseq_, header.highest_modseq);
  uidnext_ = std::max(uidnext_, header.uidnext);
  first_recent_ = std::max(first_recent_, header.first_recent);
  writes_ = header.writes;
}

void State::adopt_foreign() {
  if (!index_ || !index_->maybe_changed()) return;
  IndexHeader header;
  if (!index_->header(header) || header.writes == writes_ ||
      header.uidvalidity != uidvalidity_) {
    return;
  }
  index_->look([this](Index::Writer& writer) {
    IndexHeader now;
    if (writer.header(now) && now.uidvalidity == uidvalidity_) {
      adopt(writer, now);
    }
  });
}

void State::put_pending(Index::Writer& writer) {
  for (uint32_t uid : dirty_) {
    if (const Record* record = find(uid)) {
      writer.put(*record, odd_of(*record));
    }
  }
  put_blocks(writer);
}

void State::put_blocks(Index::Writer& writer) {
  auto is_here = [this](uint32_t uid) { return find(uid) != nullptr; };
  for (const auto& [key, block] : pending_blocks_) {
    CacheBlock whole;
    whole.take_missing(block, key.number, is_here);
    if (whole.empty()) continue;
    if (auto stored = writer.block(key.number, key.field)) {
      whole.take_missing(CacheBlock(*stored), key.number, is_here);
    }
    if (whole.size() <= kMaxBlock) {
      writer.put_block(key.number, key.field, whole.bytes());
    }
  }
}

void State::write_everything(Index::Writer& writer) {
  writer.clear();
  for (const Record& record : records_) {
    writer.put_last(record, odd_of(record));
  }
  IndexHeader header = header_now();
  // What was expunged is not written again: the history begins here.
  header.history_floor = highest_modseq_;
  // No number that another has seen before.
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  writes_ =
      std::max(writes_ + 1, static_cast<uint64_t>(now.tv_sec) * 1'000'000 +
                                static_cast<uint64_t>(now.tv_nsec) / 1'000);
  header.writes = writes_;
  writer.put_header(header);
}

void State::publish() {
  if (!write_index([this](Index::Writer& writer) {
        IndexHeader before;
        // Of a mailbox that is not known everything will be written.
        if (!writer.header(before) || before.uidvalidity != uidvalidity_) {
          return;
        }
        std::unordered_set<uint32_t> gone;
        for (auto& one : writer.expunged_after(0)) gone.insert(one.uid);
        for (const Record& record : records_) {
          if (!gone.count(record.uid)) writer.put(record, odd_of(record));
        }
      })) {
    save_all();
  }
}

void State::save_all() {
  if (!index_) return;
  if (index_->write([this](Index::Writer& writer) {
        write_everything(writer);
        put_blocks(writer);
      })) {
    nothing_pending();
    return;
  }
  log(UserSettings::Severity::Warning,
      fmt::format("{}/postcote.index cannot be written (disk full?): going on "
                  "without an index on disk",
                  paths_.index));
  index_.reset();
}

void State::nothing_pending() {
  dirty_.clear();
  pending_blocks_.clear();
  pending_size_ = 0;
  drop_blocks();
  header_dirty_ = false;
  for (Stamp& stamp : stored_stamps_) stamp = {};
}

/// `work` in one transaction, with what waits to be written; without an index
/// nothing is done. False: `work` has not been called.
bool State::write_index(const std::function<void(Index::Writer&)>& work) {
  if (!index_) return false;
  bool fresh = index_->renewed(), called = false;
  told_gone_.clear();
  bool done = index_->write([&](Index::Writer& writer) {
    IndexHeader before;
    bool known = writer.header(before) && before.uidvalidity == uidvalidity_;
    if (known && before.writes != writes_) adopt(writer, before);
    called = true;
    work(writer);
    if (!known) {
      write_everything(writer);
      put_blocks(writer);
    } else {
      // Of a new file another was the first to write: what it lacks.
      if (fresh) {
        for (const Record& one : records_) writer.put(one, odd_of(one));
      }
      put_pending(writer);
      IndexHeader header = header_now();
      header.writes = ++writes_;
      writer.put_header(header);
    }
  });
  if (done) {
    nothing_pending();
    return true;
  }
  // Removed under us, or full of values that can be computed again.
  if (called) save_all();
  return called;
}

void State::flush_index() {
  if (!index_) return;
  if (dirty_.empty() && pending_blocks_.empty() && !header_dirty_) return;
  if (!write_index([](Index::Writer&) {})) save_all();
}

void State::close_index(const Stamp (&stamps)[3]) {
  if (!index_) return;
  bool same = dirty_.empty() && pending_blocks_.empty() && !header_dirty_;
  for (int i = 0; i < 3; ++i) same = same && stamps[i] == stored_stamps_[i];
  if (same) return;
  flush_index();
  if (!index_) return;
  index_->write([&](Index::Writer& writer) {
    IndexHeader before;
    // Others may know more than we: their stamps will be right.
    if (!writer.header(before) || before.writes != writes_) return;
    IndexHeader header = header_now();
    for (int i = 0; i < 3; ++i) header.stamps[i] = stamps[i];
    header.messages = static_cast<uint32_t>(records_.size());
    header.virtual_size = 0;
    for (const Record& record : records_) {
      if (!(record.flags & kSeen)) ++header.unseen;
      if (record.uid >= first_recent_) ++header.recent;
      if (record.virtual_size == Record::kUnknown ||
          header.virtual_size == Record::kUnknown) {
        header.virtual_size = Record::kUnknown;
      } else {
        header.virtual_size += record.virtual_size;
      }
    }
    header.writes = ++writes_;
    writer.put_header(header);
  });
  for (int i = 0; i < 3; ++i) stored_stamps_[i] = stamps[i];
}

void State::remember(const Record& record) {
  if (!index_) return;
  dirty_.insert(record.uid);
  if (dirty_.size() >= kMaxPendingFacts) flush_index();
}

std::optional<std::string_view> State::cached(uint32_t uid,
                                              std::string_view field) {
  if (!find(uid)) return std::nullopt;
  uint32_t number = CacheBlock::number_of(uid);
  if (!pending_blocks_.empty()) {
    auto it = pending_blocks_.find({number, std::string(field)});
    if (it != pending_blocks_.end()) {
      if (auto value = it->second.get(uid)) return value;
    }
  }
  if (!index_) return std::nullopt;
  auto it = read_blocks_.find(field);
  if (it == read_blocks_.end() || it->second.first != number) {
    if (it == read_blocks_.end()) {
      if (read_blocks_.size() >= kMaxReadBlocks) drop_blocks();
      it = read_blocks_.try_emplace(std::string(field)).first;
    }
    auto bytes = index_->block(number, field);
    it->second = {number, bytes ? CacheBlock(*bytes) : CacheBlock()};
  }
  return it->second.second.get(uid);
}

void State::put_cached(uint32_t uid, std::string_view field,
                       std::string_view value) {
  if (value.size() > kMaxCachedValue || !find(uid)) return;
  uint32_t number = CacheBlock::number_of(uid);
  pending_blocks_[{number, std::string(field)}].put(uid, value);
  pending_size_ += value.size() + 8;
  if (pending_size_ < kMaxPendingCache) return;
  flush_index();
  // Without an index the newest are kept, so that memory stays bounded.
  pending_blocks_.clear();
  pending_size_ = 0;
}

}  // namespace mail::mailbox
