#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/net/deadline.h"
#include "common/net/descriptor.h"
#include "common/net/task.h"

namespace mail::net {

/// What came with one recvmsg(2).
struct Passed {
  std::string bytes;  ///< empty: end of file
  UniqueFd fd;        ///< -1: none was passed
};

/// Sends `bytes` (not empty; they must live until it ends) over a Unix socket,
/// and with the first of them the descriptor `fd` (-1: none). A message
/// socket gets them as one message (EMSGSIZE if it is too large).
/// Errors: of the wait; sendmsg's.
Task<Result<>> send_passing(Descriptor& socket, std::string_view bytes, int fd,
                            Deadline deadline);

/// Waits for bytes, `most` at the most, and takes the descriptor that came
/// with them; of several only the first is kept.
/// Errors: of the wait; recvmsg's; Protocol, a message larger than `most`.
Task<Result<Passed>> receive_passing(Descriptor& socket, size_t most,
                                     Deadline deadline);

/// Two ends of a socketpair(2), close-on-exec and non-blocking.
struct Pair {
  UniqueFd ours, theirs;
};
enum class PairKind { Stream, Messages };  ///< SOCK_STREAM, SOCK_SEQPACKET
Result<Pair> make_pair(PairKind kind);

}  // namespace mail::net
