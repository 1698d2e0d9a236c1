#pragma once

#include <memory>
#include <string>

#include "common/daemon/dovecot_service.h"
#include "common/login/anvil_client.h"
#include "common/login/certificates.h"
#include "common/login/client.h"
#include "common/login/shared.h"

namespace mail::login {

/// The service of imap-login and pop3-login: everything but the protocol.
class LoginService : public daemon::DovecotService {
 public:
  /// protocol: "imap", "pop3".
  explicit LoginService(std::string protocol)
      : protocol_(std::move(protocol)) {}
  ~LoginService() override;

  Result<> open(daemon::DovecotContext& context) override;
  net::Task<Result<>> start(daemon::DovecotContext& context) override;
  net::Task<> serve(net::Stream stream,
                    daemon::DovecotConnection connection) override;
  void drop_oldest() override;

 protected:
  virtual std::unique_ptr<Engine> make_engine() = 0;
  /// What the protocol's engine reads of the settings.
  virtual Result<> read_settings(const config::dovecot::Settings&) {
    return {};
  }

 private:
  std::string protocol_;
  daemon::DovecotContext* context_ = nullptr;
  Shared shared_;
  std::unique_ptr<auth::DovecotClient> auth_;
  std::unique_ptr<Certificates> certificates_;
  std::unique_ptr<AnvilClient> anvil_;
  UniqueFd anvil_socket_;
};

}  // namespace mail::login
