#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/imap/arg.h"
#include "common/imap/sequence_set.h"

namespace mail::imap {

/// One node of a search program (RFC 3501, 6.4.4).
struct SearchKey {
  enum class Kind : uint8_t {
    All,       ///< everything
    And,       ///< of children
    Or,        ///< of children
    Sequence,  ///< set; a view's numbers
    Uid,       ///< set
    Saved,     ///< "$"
    Flag,      ///< word: "\Seen", or with value "KEYWORD" a keyword
    Recent,
    Before,  ///< number: day since 1970 or `exact`, date: which
    On,
    Since,
    Older,  ///< number: seconds
    Younger,
    Larger,  ///< number: bytes
    Smaller,
    ModSeq,  ///< number
    Header,  ///< word: header's name, "" address headers are by name too
    Body,
    Text,
    Guid,     ///< word
    Mailbox,  ///< word
    SaveDateSupported,
    InThread,  ///< not built: refused by the parser
  };
  enum class Date : uint8_t { Internal, Sent, Saved };
  Kind kind = Kind::All;
  bool negate = false;
  Date date = Date::Internal;
  std::string word;   ///< flag's, header's name
  std::string value;  ///< what is searched for, in the charset of the command
  uint64_t number = 0;
  bool exact = false;  ///< of a date: number is seconds since 1970
  SequenceSet set;
  std::vector<SearchKey> children;
};

/// What numbers "*" stands for.
struct SearchLimits {
  uint32_t messages = 0;
  uint32_t last_uid = 0;
  /// A date may be a number: seconds since 1970 (doveadm).
  bool timestamps = false;
};

/// The keys of args[at...] as one And. Errors: Protocol; what: the text of BAD.
Result<SearchKey> parse_search(const Args& args, size_t at,
                               const SearchLimits& limits);

/// RETURN (...) of RFC 4731, 5182, 5267.
struct SearchReturn {
  bool given = false;
  bool min = false, max = false, all = false, count = false, save = false;
  bool partial = false;
  uint32_t partial_first = 0, partial_last = 0;
};
/// Reads it at args[at] if it stands there. Errors: as parse_search.
Result<SearchReturn> parse_search_return(const Args& args, size_t& at);

/// The keys of SORT (RFC 5256, 5957).
struct SortKey {
  enum class Kind : uint8_t {
    Arrival,
    Cc,
    Date,
    DisplayFrom,
    DisplayTo,
    From,
    Size,
    Subject,
    To,
  };
  Kind kind = Kind::Arrival;
  bool reverse = false;
};
Result<std::vector<SortKey>> parse_sort(const Arg& list);

/// True if some key looks at the message's text or headers.
bool needs_message(const SearchKey& key);

}  // namespace mail::imap
