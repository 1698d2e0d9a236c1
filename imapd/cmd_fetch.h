#pragma once

#include <vector>

#include "common/imap/fetch_items.h"
#include "common/imap/sequence_set.h"
#include "imapd/session.h"

namespace mail::imapd {

enum class Fetched {
  All,
  SomeGone,  ///< some messages had been expunged
  Broken,    ///< the client is gone, or was told BYE
};

/// Writes the FETCH replies for `uids` (in the view, ascending).
net::Task<Fetched> fetch_messages(Session& session,
                                  const std::vector<uint32_t>& uids,
                                  const std::vector<imap::FetchItem>& items);

/// The uids, in `known` if `limited`, that are gone since `modseq`; where the
/// history does not reach back, all that are not in the view.
std::vector<uint32_t> vanished_since(mailbox::Mailbox& box, uint64_t modseq,
                                     const imap::SequenceSet& known,
                                     bool limited);

}  // namespace mail::imapd
