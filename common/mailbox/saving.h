#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/mailbox/flags.h"

namespace mail::mailbox {

/// What a message to be saved brings along.
struct SaveOptions {
  FlagSet flags;
  std::optional<int64_t> internal_date;  ///< seconds; none: now
  std::string envelope_sender;           ///< mbox's From_ line; may be empty
  std::optional<std::string> pop3_uidl;  ///< kept for POP3
};

/// Octets of messages as they are on disk, and with CRLF; their number.
struct QuotaSize {
  uint64_t physical = 0, virtual_size = 0, messages = 0;
};

/// Messages on their way into a mailbox: all of them or none (RFC 3502).
///   begin, write..., end   (again for each message)
///   sync                   blocks: fsync; may run in another thread
///   commit                 they are in the mailbox and have uids
///   settle                 blocks: fsync of directories; in another thread
/// Acknowledge after settle() has succeeded. Destroyed before commit():
/// nothing has happened. An instance is used by one thread at a time.
class Saving {
 public:
  virtual ~Saving() = default;
  virtual Result<> begin(const SaveOptions& options) = 0;
  /// Any split; CRLF becomes LF unless mail_save_crlf.
  virtual Result<> write(std::string_view bytes) = 0;
  virtual Result<> end() = 0;
  virtual Result<> sync() = 0;
  /// Their uids, in order; empty if none are wanted (Uids::Later).
  virtual Result<std::vector<uint32_t>> commit() = 0;
  virtual Result<> settle() = 0;
  /// Of the message that was ended last.
  virtual QuotaSize size() const = 0;

  /// sync, commit, settle in one.
  Result<std::vector<uint32_t>> finish() {
    TRY(sync());
    auto uids = TRY(commit());
    TRY(settle());
    return uids;
  }
};

/// Whether commit() assigns uids, or leaves it to whoever opens the mailbox
/// next: cheaper, needs no lock in a Maildir (delivery).
enum class Uids { Now, Later };

}  // namespace mail::mailbox
