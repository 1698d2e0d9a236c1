#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/auth/master_client.h"
#include "common/login/mail_user.h"
#include "common/mailbox/registry.h"
#include "common/mailview/open_message.h"
#include "tools/doveadm/context.h"
#include "tools/doveadm/mail/query.h"

namespace mail::doveadm {

/// One user while a command runs for them; the process has become the user.
class UserMail {
 public:
  UserMail(Context& run, mailbox::Registry& open_mailboxes,
           const login::MailUser& user, mailbox::Storage& mailboxes, bool named)
      : context(run),
        registry(open_mailboxes),
        account(user),
        storage(mailboxes),
        named_(named) {}

  Context& context;
  mailbox::Registry& registry;
  const login::MailUser& account;
  mailbox::Storage& storage;

  /// "doveadm(alice): Error: TEXT", and the exit status.
  void error(std::string_view text, int status = kFailed);
  /// The same of an error of the mailboxes: "PREFIX: what it says".
  void failed(std::string_view prefix, const Error& error);
  void say(std::string_view severity, std::string_view text);
  [[noreturn]] void fatal(std::string_view text, int status = kFailed);
  /// A row of the answer; the user's name is put in front where it is needed.
  void row(std::vector<std::string> values);

  /// Names of the mailboxes that match one of the patterns ("*", "%"), INBOX
  /// last. Errors: of the storage.
  Result<std::vector<std::string>> names(
      const std::vector<std::string>& patterns);
  /// The messages a query finds, mailbox by mailbox.
  struct Found {
    mailbox::Mailbox& box;
    std::vector<uint32_t> uids;
  };
  enum class Missing { Complain, Skip };
  struct Visit {
    mailbox::OpenMode mode = mailbox::OpenMode::ReadOnly;
    /// Says of a mailbox that it cannot be opened; NAME is put in for %.
    std::string_view complaint = "Syncing mailbox '%' failed";
    Missing missing = Missing::Complain;
  };
  void search(const Query& query, const Visit& how,
              const std::function<void(Found&)>& each);

  int status() const { return status_; }
  void take_status(int status);  ///< of a part that was done apart

 private:
  void search_one(const Query& query, const Visit& how, const std::string& name,
                  const std::function<void(Found&)>& each);

  bool named_;
  int status_ = kOk;
};

/// What all mail commands have in common: -u, -A, -F, whose mailboxes they
/// are, what is printed for several users. A command is
///   MailRun run(context, "s"); ... run.columns(...); return run.each(...);
class MailRun {
 public:
  /// Reads options, `letters` besides the common ones. Bad ones end the run.
  MailRun(Context& context, const std::string& letters);
  MailRun(const MailRun&) = delete;
  MailRun& operator=(const MailRun&) = delete;
  ~MailRun();

  bool has(char letter) const { return options_.count(letter) > 0; }
  std::string option(char letter) const;
  /// What follows the options; ends with the usage when it is less.
  const std::vector<std::string>& words(size_t at_least) const;
  /// The query that begins at words[from].
  Query query(size_t from) const;
  void columns(std::vector<Printer::Column> columns);

  /// Calls `command` for each user, as that user. The exit status.
  int each(const std::function<void(UserMail&)>& command);
  /// Another user's account, asked of the user database. nullopt: there is
  /// none, or an error that was told.
  std::optional<login::MailUser> look_up(const std::string& name, int* status);
  bool several() const { return several_; }

 private:
  login::MailUser account_of(std::string name, ipc::TabFields fields);
  std::vector<std::string> all_names(int* status);
  int run_one(const login::MailUser& account,
              const std::function<void(UserMail&)>& command);
  int run_storage(const login::MailUser& account,
                  const std::function<void(UserMail&)>& command);
  auth::MasterClient& client();

  Context& context_;
  std::map<char, std::string> options_;
  std::vector<std::string> words_;
  bool several_ = false;
  net::TaskSet tasks_;
  std::unique_ptr<auth::MasterClient> client_;
};

/// The exit status of an error of the mailboxes.
int status_of(const Error& error);

}  // namespace mail::doveadm
