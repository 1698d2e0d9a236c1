#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::imap {

/// What stands for a message's id or base subject among those of a mailbox;
/// 0: an empty one. Kept in indexes.
uint64_t thread_key(std::string_view text);

/// What threading must know of a message.
struct ThreadMessage {
  uint32_t number = 0;   ///< sequence number or UID: what is answered
  bool reply = false;    ///< its subject said so
  int64_t date = 0;      ///< Date: in UTC, else the internal date
  uint64_t id = 0;       ///< key of its Message-ID
  uint64_t subject = 0;  ///< key of its base subject
  /// In ThreadInput::references: keys of References, else of the first of
  /// In-Reply-To; oldest first.
  size_t first_reference = 0, references = 0;
};

struct ThreadInput {
  std::vector<ThreadMessage> messages;  ///< ascending
  std::vector<uint64_t> references;
  void add(ThreadMessage message, const std::vector<uint64_t>& of_it);
};

enum class ThreadAlgorithm { OrderedSubject, References, Refs };

/// The threads as they follow "* THREAD ": "(1
/// 3)(2)", or "" if there is none (RFC 5256, 3 and 4; REFS: references alone,
/// sorted by each thread's latest message).
std::string thread_text(ThreadAlgorithm algorithm, const ThreadInput& input);

/// The ids "<...>" in a References, In-Reply-To or Message-ID header, without
/// brackets, blanks, comments and needless quotes; at most `limit`.
std::vector<std::string> read_message_ids(std::string_view value,
                                          size_t limit = 1000);

}  // namespace mail::imap
