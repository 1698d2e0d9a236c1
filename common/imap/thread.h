#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mail::imap {

/// What threading must know of a message.
struct ThreadMessage {
  uint32_t number = 0;  ///< sequence number or UID: what is answered
  int64_t date = 0;     ///< Date: in UTC, else the internal date
  std::string id;       ///< normalised Message-ID, may be empty
  /// Of References, else the first of In-Reply-To; oldest first.
  std::vector<std::string> references;
  std::string subject;  ///< base subject
  bool reply = false;   ///< its subject said so
};

enum class ThreadAlgorithm { OrderedSubject, References, Refs };

/// The threads of `messages` (ascending) as they follow "* THREAD ": "(1
/// 3)(2)", or "" if there is none (RFC 5256, 3 and 4; REFS: references alone,
/// sorted by each thread's latest message).
std::string thread_text(ThreadAlgorithm algorithm,
                        std::vector<ThreadMessage> messages);

/// The ids "<...>" in a References, In-Reply-To or Message-ID header, without
/// brackets, blanks, comments and needless quotes; at most `limit`.
std::vector<std::string> read_message_ids(std::string_view value,
                                          size_t limit = 1000);

}  // namespace mail::imap
