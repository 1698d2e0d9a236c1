#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/log/log.h"
#include "common/login/mail_user.h"
#include "common/mailbox/registry.h"
#include "common/mailbox/storage.h"
#include "common/net/task.h"

namespace mail::lmtp {

using Log = std::function<void(log::Level, std::string_view)>;

/// A message's bytes, LF line ends: in memory, or in a file from its start.
struct Content {
  std::string_view bytes;
  int fd = -1;
  uint64_t size = 0;

  /// The first bytes, for the log. Errors: of pread(2).
  Result<std::string> beginning(size_t most) const;
};

/// One copy of a message for one user.
struct Delivery {
  login::MailUser user;
  std::string sender, address;
  std::string mailbox;  ///< UTF-8; empty: INBOX
  std::string headers;  ///< in front of the content
  Content content;
  std::string message_id, subject, from;  ///< for the log
  Log log;                                ///< lines without a prefix
};

/// What became of it. `text`: the storage's reason, for the client or bounce.
struct Outcome {
  enum class Kind { Saved, Quota, Temporary, Permanent } kind = Kind::Temporary;
  std::string text;
  std::string mailbox;  ///< where it was saved
};

/// Saves messages for users with this process's ids; keeps their storages for
/// the next message. lda_mailbox_autocreate,
/// lda_mailbox_autosubscribe, deliver_log_format are those of the user's
/// settings.
class Deliverer {
 public:
  /// On disk when it ends with Saved. The log line is written.
  net::Task<Outcome> deliver(Delivery delivery);

 private:
  struct Known;
  Result<Known*> known(const Delivery& delivery);
  using SavingPtr = std::shared_ptr<mailbox::Saving>;
  Result<SavingPtr> begin(Known& known, const Delivery& delivery,
                          const std::string& name);
  net::Task<Result<>> save(SavingPtr saving, const Delivery* delivery);

  mailbox::Registry registry_;
  std::map<std::string, std::shared_ptr<Known>> known_;
};

}  // namespace mail::lmtp
