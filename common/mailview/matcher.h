#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/imap/search_program.h"
#include "common/mailview/open_message.h"

namespace mail::mailview {

/// Judges messages of a mailbox by a search program. Keys that need no file
/// are asked first; a file is read only when they leave it open.
class Matcher {
 public:
  /// The texts of `program` are in `charset`. now: seconds since 1970.
  Matcher(mailbox::Mailbox& box, OpenMessage& open,
          const std::set<uint32_t>& saved, imap::SearchKey program,
          std::string_view charset, int64_t now);

  /// All that are still there match, without being asked.
  bool matches_all() const;
  /// Errors: of the mailbox; a message that is gone matches nothing.
  Result<bool> matches(uint32_t seq, uint32_t uid);
  /// The highest modseq of what has matched, if MODSEQ was asked for.
  std::optional<uint64_t> modseq() const;

 private:
  void prepare(imap::SearchKey& key, std::string_view charset);
  Result<bool> judge(const imap::SearchKey& key);
  Result<bool> judge_plain(const imap::SearchKey& key);
  Result<bool> judge_flag(const imap::SearchKey& key);
  Result<bool> judge_date(const imap::SearchKey& key);
  Result<bool> judge_header(const imap::SearchKey& key);
  Result<bool> judge_text(const imap::SearchKey& key, bool with_headers);
  bool text_in_part(const mime::Part& part, std::string_view message,
                    std::string_view key, bool with_headers);

  mailbox::Mailbox& box_;
  OpenMessage& open_;
  const std::set<uint32_t>& saved_;
  imap::SearchKey program_;
  int64_t now_;
  bool wants_modseq_ = false;
  uint64_t modseq_ = 0;
  // The message being judged.
  uint32_t seq_ = 0, uid_ = 0;
  mailbox::Message message_;
  std::optional<HeaderFacts> facts_;
  MessageKeys keys_;
  std::optional<std::string> raw_;
  std::optional<mime::Part> structure_;
};

/// True if `haystack` (UTF-8) contains `key`, a casemap() text, ignoring case.
bool contains_text(std::string_view haystack, std::string_view key);

}  // namespace mail::mailview
