#pragma once

#include <vector>

#include "common/dns/resolver.h"
#include "common/net/deadline.h"
#include "common/net/task.h"
#include "common/spf/check.h"

namespace mail::policyd_spf {

/// Asks all questions at once and adds their replies.
net::Task<> answer_all(dns::Resolver& resolver,
                       std::vector<spf::Question> questions,
                       net::Deadline deadline, spf::Replies& replies);

}  // namespace mail::policyd_spf
