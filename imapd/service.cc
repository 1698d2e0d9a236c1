#include "imapd/service.h"

#include "common/login/user_log.h"
#include "imapd/session.h"
#include "imapd/settings.h"

namespace mail::imapd {
namespace {

Log log_of(std::string prefix) {
  return
      [prefix = std::move(prefix)](Severity severity, std::string_view text) {
        static constexpr log::Level kLevels[] = {
            log::Level::Debug, log::Level::Info, log::Level::Warning,
            log::Level::Error};
        login::user_log(prefix, kLevels[static_cast<size_t>(severity)], text);
      };
}

constexpr std::string_view kInternalError =
    "* BYE Internal error occurred. Refer to server log for more "
    "information.\r\n";

}  // namespace

void Service::open_as_user(daemon::DovecotContext& context) {
  registry_ = std::make_unique<mailbox::Registry>();
  context.tasks->start(registry_->serve());
}

std::string Service::apology(const login::SessionStart& start) {
  auto imap = ipc::login::parse_imap_start(start.request.data);
  std::string out;
  if (imap) {
    out = imap->tag + " OK Logged in, but initialization failed.\r\n";
  }
  return out + std::string(kInternalError);
}

net::Task<> Service::serve_user(login::UserSession session) {
  Log log = log_of(session.log_prefix);
  auto imap = ipc::login::parse_imap_start(session.request.data);
  if (!imap) {
    log(Severity::Error, imap.error().what);
    co_return;
  }
  Session::Start start;
  start.tag = imap->tag;
  start.untagged_capability = imap->asked_capability;
  start.input = imap->input;
  Account account;
  account.user = session.user.name;
  account.session_id = session.user.session;
  account.local_ip = session.user.local_ip;
  account.remote_ip = session.user.remote_ip;
  account.config = config_of(*session.user.settings);
  auto mail = login::storage_settings(session.user);
  if (!mail) {
    log(Severity::Error, mail.error().what);
    session.client.write(start.tag +
                         " OK Logged in, but initialization failed.\r\n" +
                         std::string(kInternalError));
    (void)co_await session.client.flush(
        net::Deadline::in(std::chrono::seconds(30)));
    co_return;
  }
  account.mail = std::move(*mail);
  account.mail.log = mailbox_log(log);
  Session one(*registry_, std::move(session.client), std::move(account), log);
  *session.shut_down = [&one] { one.shut_down(); };
  co_await one.serve(std::move(start));
  *session.shut_down = nullptr;
}

}  // namespace mail::imapd
