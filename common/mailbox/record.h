#pragma once

#include <cstdint>
#include <string_view>

#include "common/mailbox/flags.h"

namespace mail::mailbox {

/// What is known of one message; 80 bytes, one each in memory.
struct Record {
  static constexpr uint64_t kUnknown = UINT64_MAX;
  static constexpr int64_t kNoDate = INT64_MIN;

  uint32_t uid = 0;
  Flags flags = 0;
  bool in_new = false;    ///< Maildir: the file is in new/
  bool odd_info = false;  ///< Maildir: State::odd_ has what follows the base
  KeywordMask keywords = 0;
  uint64_t modseq = 0;
  uint64_t size = kUnknown;          ///< octets as stored
  uint64_t virtual_size = kUnknown;  ///< with CRLF
  int64_t internal_date = kNoDate, save_date = kNoDate;
  /// Maildir: base name, kept by the state.
  std::string_view name;
  /// mbox: where its From_ line begins.
  uint64_t offset = 0;
};

/// A wish for a record. What is so already is not a change.
struct Mutation {
  enum class Kind { Add, Update, Remove };
  Kind kind = Kind::Update;
  Record record;  ///< Remove: only its uid
};

}  // namespace mail::mailbox
