#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/imap/arg.h"
#include "common/imap/search_program.h"

namespace mail::doveadm {

/// A search query of the command line (doveadm-search-query(7)): IMAP's keys
/// with OR between two of them, parentheses as words of their own, MAILBOX
/// and MAILBOX-GUID, intervals for dates and units for sizes.
class Query {
 public:
  /// words: the arguments. now: seconds since 1970, what intervals go back
  /// from. Errors: Protocol, in the original's words.
  static Result<Query> parse(const std::vector<std::string>& words,
                             int64_t now);

  /// The patterns of MAILBOX where every message found is in one of them;
  /// nullopt: it may be anywhere.
  const std::optional<std::vector<std::string>>& mailboxes() const {
    return mailboxes_;
  }
  /// Every branch says MAILBOX or MAILBOX-GUID.
  bool always_says_mailbox() const { return says_mailbox(root_); }
  /// Every branch says something besides.
  bool always_says_more() const { return says_more(root_); }
  bool asks_guid() const { return asks_guid_; }

  /// What messages of this mailbox are judged by.
  struct Place {
    std::string_view name, guid;
    char separator = '/';
  };
  Result<imap::SearchKey> program(const Place& place,
                                  const imap::SearchLimits& limits) const;

 private:
  struct Node {
    enum class Kind {
      And,
      Or,
      Not,
      Mailbox,
      MailboxGuid,
      Key
    } kind = Kind::And;
    std::vector<Node> children;
    std::vector<std::string> words;  ///< of Key: its name and values
  };
  class Parser;

  static bool says_mailbox(const Node& node);
  static bool says_more(const Node& node);
  static std::optional<std::vector<std::string>> names_of(const Node& node);
  static void put(const Node& node, const Place& place, imap::Args& out);

  Node root_;
  std::optional<std::vector<std::string>> mailboxes_;
  bool asks_guid_ = false;
};

}  // namespace mail::doveadm
