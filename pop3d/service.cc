#include "pop3d/service.h"

#include "common/base/ascii.h"
#include "common/login/user_log.h"
#include "pop3d/session.h"

namespace mail::pop3d {
namespace {

namespace setting = config::dovecot::setting;

Config config_of(const config::dovecot::Settings& s) {
  Config c;
  c.limits.enable_last = s.get(setting::pop3_enable_last);
  for (auto word : split(s.get(setting::pop3_client_workarounds), " ,")) {
    c.limits.no_nuls |= word == "outlook-no-nuls";
    c.limits.end_of_header |= word == "oe-ns-eoh";
  }
  c.uidl_format = s.get(setting::pop3_uidl_format);
  c.logout_format = s.get(setting::pop3_logout_format);
  c.no_flag_updates = s.get(setting::pop3_no_flag_updates);
  c.save_uidl = s.get(setting::pop3_save_uidl);
  c.reuse_xuidl = s.get(setting::pop3_reuse_xuidl);
  c.fast_sizes = s.get(setting::pop3_fast_size_lookups);
  c.rename_duplicates = s.get(setting::pop3_uidl_duplicates) == "rename";
  c.deleted_flag = s.get(setting::pop3_deleted_flag);
  c.flag_only = s.get(setting::pop3_delete_type) == "flag" ||
                (s.get(setting::pop3_delete_type) == "default" &&
                 !c.deleted_flag.empty());
  return c;
}

}  // namespace

void Service::open_as_user(daemon::DovecotContext&) {
  registry_ = std::make_unique<mailbox::Registry>();
}

std::string Service::apology(const login::SessionStart&) {
  return "-ERR [SYS/TEMP] Internal error occurred. Refer to server log for "
         "more information.\r\n";
}

net::Task<> Service::serve_user(login::UserSession session) {
  auto prefix = session.log_prefix;
  Log log = [prefix](log::Level level, std::string_view text) {
    login::user_log(prefix, level, text);
  };
  auto settings = login::storage_settings(session.user);
  if (settings) {
    settings->log = [log](mailbox::UserSettings::Severity severity,
                          std::string_view text) {
      using Severity = mailbox::UserSettings::Severity;
      log(severity == Severity::Info      ? log::Level::Info
          : severity == Severity::Warning ? log::Level::Warning
                                          : log::Level::Error,
          text);
    };
  }
  Session pop3(*registry_, std::move(session.client),
               config_of(*session.user.settings), log);
  *session.shut_down = [&pop3] { pop3.shut_down(); };
  co_await pop3.serve(std::move(settings), std::move(session.request.data));
  *session.shut_down = nullptr;
}

}  // namespace mail::pop3d
