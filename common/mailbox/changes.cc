// What a session has not been told yet.
#include <algorithm>
#include <iterator>

#include "common/mailbox/state.h"

namespace mail::mailbox {

namespace {

void sort_unique(std::vector<uint32_t>& uids) {
  std::sort(uids.begin(), uids.end());
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
}

}  // namespace

Result<Changes> State::changes_for(Mailbox& session,
                                   Mailbox::Expunges expunges) {
  Changes out;
  const uint64_t end = first_change_ + changes_.size();
  const std::vector<uint32_t>& view = *session.view_;
  std::vector<uint32_t> gone = std::move(session.held_);
  session.held_.clear();
  out.keywords = keywords_.size() != session.seen_keywords_;
  session.seen_keywords_ = keywords_.size();
  if (session.seen_change_ == end && gone.empty()) return out;

  bool behind = session.seen_change_ < first_change_;
  if (behind) {
    // The list does not reach back so far: everything may have changed.
    for (uint32_t uid : view) {
      (find(uid) ? out.flags : gone).push_back(uid);
    }
  } else {
    for (uint64_t i = session.seen_change_; i < end; ++i) {
      const Change& change = changes_[i - first_change_];
      if (change.kind == Change::Kind::Removed) {
        if (change.uid <= session.last_uid_) gone.push_back(change.uid);
      } else if (change.kind == Change::Kind::Flagged &&
                 change.silent != &session && change.uid <= session.last_uid_) {
        out.flags.push_back(change.uid);
      }
    }
  }
  session.seen_change_ = end;

  auto all = uids();
  auto first_new =
      std::upper_bound(all->begin(), all->end(), session.last_uid_);
  out.appended.assign(first_new, all->end());
  if (!out.appended.empty()) session.last_uid_ = out.appended.back();
  for (uint32_t uid : out.appended) {
    if (uid >= first_recent_) session.recent_.push_back(uid);
  }

  sort_unique(gone);
  sort_unique(out.flags);
  std::erase_if(out.flags, [&](uint32_t uid) { return !find(uid); });
  if (expunges == Mailbox::Expunges::Hold && !gone.empty()) {
    session.held_ = std::move(gone);
    auto next = std::make_shared<std::vector<uint32_t>>(view);
    next->insert(next->end(), out.appended.begin(), out.appended.end());
    session.view_ = std::move(next);
    return out;
  }
  for (uint32_t uid : gone) {
    if (uint32_t seq = session.seq(uid)) out.expunged.push_back({seq, uid});
    auto recent =
        std::lower_bound(session.recent_.begin(), session.recent_.end(), uid);
    if (recent != session.recent_.end() && *recent == uid) {
      session.recent_.erase(recent);
    }
  }
  if (view.size() - out.expunged.size() + out.appended.size() != all->size()) {
    // One below the last that was told of: it has no place in this view.
    auto next = std::make_shared<std::vector<uint32_t>>();
    std::set_difference(view.begin(), view.end(), gone.begin(), gone.end(),
                        std::back_inserter(*next));
    next->insert(next->end(), out.appended.begin(), out.appended.end());
    all = std::move(next);
  }
  session.view_ = std::move(all);
  return out;
}

}  // namespace mail::mailbox
