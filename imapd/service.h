#pragma once

#include <memory>
#include <string>

#include "common/login/mail_service.h"
#include "common/mailbox/registry.h"

namespace mail::imapd {

/// imap: root's part, and the users' parts (login/mail_service.h): one process
/// for each user id serves all connections of that user.
class Service : public login::MailService {
 public:
  Service() : MailService("imap") {}

 protected:
  net::Task<> serve_user(login::UserSession session) override;
  std::string apology(const login::SessionStart& start) override;
  void open_as_user(daemon::DovecotContext& context) override;

 private:
  std::unique_ptr<mailbox::Registry> registry_;
};

}  // namespace mail::imapd
