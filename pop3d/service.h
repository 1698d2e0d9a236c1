#pragma once

#include <memory>
#include <string>

#include "common/login/mail_service.h"
#include "common/mailbox/registry.h"

namespace mail::pop3d {

/// pop3: root's part and the users' parts (login/mail_service.h).
class Service : public login::MailService {
 public:
  Service() : MailService("pop3") {}

 protected:
  net::Task<> serve_user(login::UserSession session) override;
  std::string apology(const login::SessionStart& start) override;
  void open_as_user(daemon::DovecotContext& context) override;

 private:
  std::unique_ptr<mailbox::Registry> registry_;
};

}  // namespace mail::pop3d
