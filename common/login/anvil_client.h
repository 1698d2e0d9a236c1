#pragma once

#include <deque>
#include <string>

#include "common/net/condition.h"
#include "common/net/stream.h"
#include "common/net/task.h"
#include "common/net/task_set.h"

namespace mail::login {

/// Asks Dovecot's anvil how many connections there are ("LOOKUP\tIDENT\n" and
/// "COUNT\n"). The socket lies outside of the jail, so it is connected before
/// chroot; when that connection breaks there are no more answers.
class AnvilClient {
 public:
  AnvilClient(UniqueFd connected, net::TaskSet& tasks);

  /// ident: "imap/192.0.2.9/alice". Errors: Temporary, no answer.
  net::Task<Result<unsigned>> lookup(std::string ident);

 private:
  net::Task<> read_answers();

  net::Stream stream_;
  bool writing_ = false, broken_ = false;
  uint64_t asked_ = 0, answered_ = 0;  // answers come in order
  std::deque<unsigned> answers_;       // of asked_ - size ... not yet taken
  net::Condition changed_;
  net::TaskSet& tasks_;
};

/// "imap/192.0.2.9/alice", tab-escaped.
std::string anvil_ident(std::string_view service, std::string_view ip,
                        std::string_view user);

}  // namespace mail::login
