#pragma once

#include <sys/types.h>

#include <vector>

#include "common/daemon/user_workers.h"

namespace mail::doveadm {

/// A user's effective ids and groups until destroyed, then root's again: a
/// command for several users. Errors: Config, which step failed; an identity
/// with a chroot, which could not be left.
class BecomeForAWhile {
 public:
  static Result<BecomeForAWhile> become(const daemon::Identity& who);
  BecomeForAWhile(BecomeForAWhile&& other) noexcept
      : active_(std::exchange(other.active_, false)),
        groups_(std::move(other.groups_)) {}
  BecomeForAWhile& operator=(BecomeForAWhile&&) = delete;
  ~BecomeForAWhile();

 private:
  explicit BecomeForAWhile(std::vector<gid_t> groups)
      : active_(true), groups_(std::move(groups)) {}
  bool active_;
  std::vector<gid_t> groups_;  // root's
};

}  // namespace mail::doveadm
