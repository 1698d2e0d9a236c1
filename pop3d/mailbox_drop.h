#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/mailbox/mailbox.h"
#include "common/net/task.h"
#include "pop3d/engine.h"

namespace mail::pop3d {

/// What pop3 reads of dovecot.conf, for one user.
struct Config {
  Limits limits;
  std::string uidl_format = "%08Xu%08Xv";  ///< pop3_uidl_format
  std::string logout_format =              ///< pop3_logout_format
      "top=%t/%p, retr=%r/%b, del=%d/%m, size=%s";
  bool no_flag_updates = false;
  bool save_uidl = false;
  bool reuse_xuidl = false;
  bool fast_sizes = false;         ///< pop3_fast_size_lookups
  bool rename_duplicates = false;  ///< pop3_uidl_duplicates
  bool flag_only = false;          ///< pop3_delete_type = flag
  std::string deleted_flag;        ///< pop3_deleted_flag
};

/// INBOX as POP3 shows it.
class MailboxDrop : public Maildrop {
 public:
  MailboxDrop(mailbox::Mailbox& mailbox, const Config& config)
      : mailbox_(mailbox), config_(config) {}

  /// Numbers and sizes of all messages; lets other sessions run in between.
  net::Task<Result<>> load();
  /// UIDLs of all, so that uidl() cannot fail; at the first UIDL.
  Result<> load_uidls();

  uint32_t count() const override {
    return static_cast<uint32_t>(messages_.size());
  }
  uint64_t size(uint32_t message) const override {
    return messages_[message - 1].size;
  }
  std::string uidl(uint32_t message) override;

  uint32_t uid(uint32_t message) const { return messages_[message - 1].uid; }
  uint64_t total_size() const { return total_size_; }
  /// Changed UIDLs are to be kept (pop3_save_uidl); after the session.
  Result<> save_uidls();

 private:
  struct Entry {
    uint32_t uid;
    uint64_t size;
  };
  Result<std::string> make_uidl(uint32_t uid);

  mailbox::Mailbox& mailbox_;
  const Config& config_;
  std::vector<Entry> messages_;
  std::vector<std::string> uidls_;
  uint64_t total_size_ = 0;
};

}  // namespace mail::pop3d
