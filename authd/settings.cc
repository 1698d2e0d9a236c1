#include "authd/settings.h"

#include "authd/log_lines.h"
#include "authd/server.h"
#include "common/base/ascii.h"
#include "common/config/dovecot/setting_list.h"

namespace mail::authd {

namespace setting = config::dovecot::setting;

namespace {

DatabaseSettings read_passdb(
    const config::dovecot::Section<config::dovecot::Passdb>& from) {
  DatabaseSettings out;
  out.driver = from.get(setting::passdb::driver);
  out.args = from.get(setting::passdb::args);
  out.default_fields = from.get(setting::passdb::default_fields);
  out.override_fields = from.get(setting::passdb::override_fields);
  out.name = from.get(setting::passdb::name);
  out.mechanisms = from.get(setting::passdb::mechanisms);
  out.username_filter = from.get(setting::passdb::username_filter);
  out.skip = from.get(setting::passdb::skip);
  out.result_success = from.get(setting::passdb::result_success);
  out.result_failure = from.get(setting::passdb::result_failure);
  out.result_internalfail = from.get(setting::passdb::result_internalfail);
  out.verbose = from.get(setting::passdb::auth_verbose);
  out.deny = from.get(setting::passdb::deny);
  out.master = from.get(setting::passdb::master);
  out.pass = from.get(setting::passdb::pass);
  return out;
}

DatabaseSettings read_userdb(
    const config::dovecot::Section<config::dovecot::Userdb>& from) {
  DatabaseSettings out;
  out.driver = from.get(setting::userdb::driver);
  out.args = from.get(setting::userdb::args);
  out.default_fields = from.get(setting::userdb::default_fields);
  out.override_fields = from.get(setting::userdb::override_fields);
  out.name = from.get(setting::userdb::name);
  out.skip = from.get(setting::userdb::skip);
  out.result_success = from.get(setting::userdb::result_success);
  out.result_failure = from.get(setting::userdb::result_failure);
  out.result_internalfail = from.get(setting::userdb::result_internalfail);
  out.verbose = from.get(setting::userdb::auth_verbose);
  return out;
}

}  // namespace

std::shared_ptr<const Settings> read_settings(
    const config::dovecot::Settings& from,
    const daemon::DovecotContext& context) {
  auto out = std::make_shared<Settings>();
  for (std::string_view name : split(from.get(setting::auth_mechanisms))) {
    out->mechanisms.push_back(upper(name));
  }
  for (std::string_view name : split(from.get(setting::auth_realms))) {
    out->realms.emplace_back(name);
  }
  out->default_realm = from.get(setting::auth_default_realm);
  out->username_chars = from.get(setting::auth_username_chars);
  out->username_translation = from.get(setting::auth_username_translation);
  out->username_format = from.get(setting::auth_username_format);
  out->master_separator = from.get(setting::auth_master_user_separator);
  out->anonymous_username = from.get(setting::auth_anonymous_username);
  out->debug_passwords = from.get(setting::auth_debug_passwords);
  out->debug = from.get(setting::auth_debug) || out->debug_passwords;
  out->verbose = from.get(setting::auth_verbose) || out->debug;
  out->verbose_passwords = from.get(setting::auth_verbose_passwords);
  out->failure_delay = from.get(setting::auth_failure_delay);
  out->cache_ttl = from.get(setting::auth_cache_ttl);
  out->cache_negative_ttl = from.get(setting::auth_cache_negative_ttl);
  out->cache_size = from.get(setting::auth_cache_size);
  out->require_client_cert = from.get(setting::auth_ssl_require_client_cert);
  out->username_from_cert = from.get(setting::auth_ssl_username_from_cert);
  out->worker_max =
      static_cast<unsigned>(from.get(setting::auth_worker_max_count));
  out->first_valid_uid =
      static_cast<unsigned>(from.get(setting::first_valid_uid));
  out->last_valid_uid =
      static_cast<unsigned>(from.get(setting::last_valid_uid));
  for (const auto& passdb : from.passdbs()) {
    out->passdbs.push_back(read_passdb(passdb));
  }
  for (const auto& userdb : from.userdbs()) {
    out->userdbs.push_back(read_userdb(userdb));
  }
  out->base_dir = context.base_dir;
  out->hostname = context.hostname;
  return out;
}

}  // namespace mail::authd
