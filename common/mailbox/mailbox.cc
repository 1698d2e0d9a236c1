#include "common/mailbox/mailbox.h"

#include <algorithm>
#include <cerrno>

#include "common/mailbox/keywords.h"
#include "common/mailbox/quota.h"
#include "common/mailbox/state.h"

namespace mail::mailbox {

namespace {

Failure is_read_only() {
  return fail(Error{Fault::Permanent, "Mailbox is read-only", EROFS});
}

}  // namespace

Mailbox::Mailbox(std::shared_ptr<State> state, std::string name, bool read_only,
                 std::shared_ptr<const UserSettings> settings,
                 std::shared_ptr<Quota> quota)
    : state_(std::move(state)),
      quota_(std::move(quota)),
      name_(std::move(name)),
      read_only_(read_only) {
  state_->attach(this, std::move(settings));
  view_ = state_->uids();
  seen_keywords_ = state_->keywords().size();
  uidvalidity_ = state_->uidvalidity();
  for (uint32_t uid : *view_) {
    if (uid >= state_->first_recent_) recent_.push_back(uid);
  }
  last_uid_ = view_->empty() ? 0 : view_->back();
  if (!read_only_) state_->claim();
}

Mailbox::~Mailbox() { state_->detach(this); }

uint32_t Mailbox::uidvalidity() const { return uidvalidity_; }
uint32_t Mailbox::uidnext() const { return state_->uidnext(); }
uint64_t Mailbox::highest_modseq() const { return state_->highest_modseq(); }
const std::string& Mailbox::guid() const { return state_->guid(); }
const std::vector<std::string>& Mailbox::keywords() const {
  return state_->keywords();
}
bool Mailbox::can_add_keywords() const {
  return !read_only_ && state_->keywords().size() < kMaxKeywords;
}

uint32_t Mailbox::seq_from(uint32_t uid) const {
  auto it = std::lower_bound(view_->begin(), view_->end(), uid);
  return static_cast<uint32_t>(it - view_->begin()) + 1;
}

uint32_t Mailbox::seq(uint32_t uid) const {
  // Most who ask walk along.
  if (seq_hint_ < count() && this->uid(seq_hint_ + 1) == uid) {
    return ++seq_hint_;
  }
  uint32_t at = seq_from(uid);
  if (at > count() || this->uid(at) != uid) return 0;
  return seq_hint_ = at;
}

std::optional<Message> Mailbox::find(uint32_t uid) const {
  const Record* record = state_->find(uid);
  if (!record) return std::nullopt;
  return Message{uid, record->flags, record->keywords, record->modseq,
                 std::binary_search(recent_.begin(), recent_.end(), uid)};
}

uint32_t Mailbox::recent() const {
  return static_cast<uint32_t>(recent_.size());
}

uint32_t Mailbox::first_unseen() const {
  for (const Record& record : state_->records()) {
    if (record.flags & kSeen) continue;
    if (uint32_t at = seq(record.uid)) return at;
  }
  return 0;
}

Result<uint64_t> Mailbox::virtual_size(uint32_t uid) {
  return state_->virtual_size(uid);
}

Result<uint64_t> Mailbox::physical_size(uint32_t uid) {
  Record* record = TRY(state_->with_facts(uid));
  return record->size;
}

Result<int64_t> Mailbox::internal_date(uint32_t uid) {
  Record* record = TRY(state_->with_facts(uid));
  return record->internal_date;
}

Result<int64_t> Mailbox::save_date(uint32_t uid) {
  Record* record = TRY(state_->with_facts(uid));
  return record->save_date;
}

Result<std::string> Mailbox::message_guid(uint32_t uid) {
  return state_->message_guid(uid);
}

Result<std::unique_ptr<MessageReader>> Mailbox::open_message(uint32_t uid) {
  return state_->open_message(uid);
}

std::optional<std::string_view> Mailbox::cached(uint32_t uid,
                                                std::string_view field) {
  return state_->cached(uid, field);
}

void Mailbox::put_cached(uint32_t uid, std::string_view field,
                         std::string_view value) {
  state_->put_cached(uid, field, value);
}

Result<Changes> Mailbox::sync(Expunges expunges) {
  TRY(state_->refresh());
  state_->drop_blocks();
  if (state_->uidvalidity() != uidvalidity_) {
    return fail(Fault::Temporary, "UIDVALIDITY changed while it was open");
  }
  auto changes = state_->changes_for(*this, expunges);
  if (!read_only_) state_->claim();
  return changes;
}

Result<Stored> Mailbox::store(std::span<const uint32_t> uids,
                              const Store& what) {
  if (read_only_) return is_read_only();
  KeywordMask mask = 0;
  for (const std::string& name : what.what.keywords) {
    auto bit = state_->keyword_bit(name);
    if (!bit && what.action == Store::Action::Remove) continue;
    if (!bit && !is_keyword(name, state_->options().mail_max_keyword_length)) {
      return fail(Error{Fault::Permanent, "Invalid keyword: " + name, EINVAL});
    }
    mask |= KeywordMask{1} << (bit ? *bit : TRY(state_->add_keyword(name)));
  }
  Stored out;
  std::vector<Mutation> changes;
  for (uint32_t uid : uids) {
    const Record* record = state_->find(uid);
    if (!record) {
      out.expunged.push_back(uid);
      continue;
    }
    if (what.unchanged_since && record->modseq > *what.unchanged_since) {
      out.modified.push_back(uid);
      continue;
    }
    Mutation change{Mutation::Kind::Update, *record};
    Record& next = change.record;
    switch (what.action) {
      case Store::Action::Add:
        next.flags |= what.what.flags;
        next.keywords |= mask;
        break;
      case Store::Action::Remove:
        next.flags &= static_cast<Flags>(~what.what.flags);
        next.keywords &= ~mask;
        break;
      case Store::Action::Replace:
        next.flags = what.what.flags;
        next.keywords = mask;
        break;
    }
    if (next.flags == record->flags && next.keywords == record->keywords) {
      continue;
    }
    changes.push_back(change);
  }
  if (changes.empty()) return out;
  state_->set_silent(what.silent ? this : nullptr);
  auto written = state_->write_flags(changes);
  state_->set_silent(nullptr);
  TRY(written);
  state_->apply(changes, what.silent ? this : nullptr);
  for (const Mutation& change : changes) {
    const Record* record = state_->find(change.record.uid);
    if (record) {
      out.changed.push_back(record->uid);
      out.modseq = std::max(out.modseq, record->modseq);
    } else {
      out.expunged.push_back(change.record.uid);
    }
  }
  return out;
}

Result<QuotaSize> Mailbox::size_of(std::span<const uint32_t> uids) {
  QuotaSize out;
  for (uint32_t uid : uids) {
    auto physical = physical_size(uid);
    if (!physical && physical.error().sys == ENOENT) continue;
    out.physical += TRY(std::move(physical));
    if (quota_ && quota_->settings().virtual_sizes) {
      out.virtual_size += TRY(virtual_size(uid));
    }
    ++out.messages;
  }
  return out;
}

Result<std::vector<uint32_t>> Mailbox::expunge(std::span<const uint32_t> uids) {
  if (read_only_) return is_read_only();
  if (!quota_ || !quota_->keeps_sums()) return state_->remove(uids);
  std::vector<std::pair<uint32_t, QuotaSize>> sizes;
  for (uint32_t uid : uids) {
    uint32_t one[] = {uid};
    sizes.emplace_back(uid, TRY(size_of(one)));
  }
  auto gone = TRY(state_->remove(uids));
  QuotaSize total;
  for (const auto& [uid, size] : sizes) {
    if (std::find(gone.begin(), gone.end(), uid) == gone.end()) continue;
    total.physical += size.physical;
    total.virtual_size += size.virtual_size;
    total.messages += size.messages;
  }
  quota_->note(name_, Quota::Change::Removed, total);
  return gone;
}

Result<std::unique_ptr<Saving>> Mailbox::save(Uids uids) {
  return with_quota(TRY(state_->save(uids)), quota_, name_);
}

Result<> Mailbox::copy_to(Mailbox& to, Copied& out) {
  auto linked = TRY(to.state_->link_from(*state_, out.from));
  if (linked) {
    out.to = std::move(*linked);
    return {};
  }
  auto saving = TRY(to.state_->save(Uids::Now));
  std::string buffer;
  for (uint32_t uid : out.from) {
    SaveOptions options;
    auto message = find(uid);
    if (!message) return state_->expunged(uid);
    options.flags.flags = message->flags;
    for (unsigned i = 0; i < keywords().size(); ++i) {
      if (message->keywords >> i & 1) {
        options.flags.keywords.push_back(keywords()[i]);
      }
    }
    options.internal_date = TRY(internal_date(uid));
    auto reader = TRY(open_message(uid));
    TRY(saving->begin(options));
    for (uint64_t at = 0; at < reader->size();) {
      buffer.clear();
      size_t got = TRY(reader->read(at, 64 << 10, buffer));
      if (got == 0) break;
      TRY(saving->write(buffer));
      at += got;
    }
    TRY(saving->end());
  }
  out.to = TRY(saving->finish());
  return {};
}

Result<Copied> Mailbox::transfer(std::span<const uint32_t> uids, Mailbox& to,
                                 bool may_exceed) {
  Copied out;
  for (uint32_t uid : uids) {
    if (state_->find(uid)) out.from.push_back(uid);
  }
  out.uidvalidity = to.uidvalidity();
  if (out.from.empty()) return out;
  QuotaSize size;
  if (to.quota_) {
    size = TRY(size_of(out.from));
    if (!may_exceed) TRY(to.quota_->allow(to.name_, size, {}));
  }
  TRY(copy_to(to, out));
  if (to.quota_) to.quota_->note(to.name_, Quota::Change::Added, size);
  return out;
}

Result<Copied> Mailbox::copy(std::span<const uint32_t> uids, Mailbox& to) {
  return transfer(uids, to, /*may_exceed=*/false);
}

Result<Copied> Mailbox::move(std::span<const uint32_t> uids, Mailbox& to) {
  if (read_only_) return is_read_only();
  // What is moved between one's own mailboxes takes no more room.
  auto copied = TRY(transfer(uids, to, /*may_exceed=*/to.quota_ == quota_));
  TRY(expunge(copied.from));
  return copied;
}

std::optional<std::vector<uint32_t>> Mailbox::expunged_since(
    uint64_t modseq) const {
  return state_->expunged_since(modseq);
}

Result<Status> Mailbox::status(bool with_size) {
  Result<> trouble;
  Status out = state_->status(with_size, trouble);
  TRY(trouble);
  return out;
}

std::optional<std::string> Mailbox::saved_uidl(uint32_t uid) {
  return state_->uidl_field(uid, 'P');
}

Result<> Mailbox::save_uidls(
    std::span<const std::pair<uint32_t, std::string>> uidls) {
  return state_->save_uidls(uidls);
}

void Mailbox::on_change(std::function<void()> function) {
  on_change_ = std::move(function);
}

}  // namespace mail::mailbox
