#pragma once

#include <string>
#include <vector>

#include "common/imap/search_program.h"
#include "imapd/command.h"

namespace mail::imapd {

/// The messages a search has found: their uids, ascending, or in SORT's order.
struct Found {
  std::vector<uint32_t> uids;
  std::optional<uint64_t> modseq;
  Reply error;        ///< text: why there is nothing
  bool gone = false;  ///< the client is
};

/// Reads [CHARSET] and keys at args[at...], and judges all messages.
net::Task<Found> run_search(Session& session, const imap::Command& command,
                            size_t at, std::string charset);

/// Writes "* SEARCH", "* SORT" or "* ESEARCH", and keeps the result for "$".
void write_found(Session& session, const imap::Command& command,
                 const imap::SearchReturn& options, const Found& found,
                 std::string_view name);

/// SORT's order.
net::Task<Result<>> sort_messages(Session& session,
                                  const std::vector<imap::SortKey>& keys,
                                  std::vector<uint32_t>& uids);

}  // namespace mail::imapd
