#include "common/login/mail_user.h"

#include <fmt/format.h>
#include <grp.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/mailbox/quota_settings.h"
#include "common/process/ids.h"

namespace mail::login {
namespace {

namespace setting = config::dovecot::setting;
using config::dovecot::Variables;

/// A number, or a name of the databases.
Result<std::optional<uid_t>> uid_of(const std::string& text) {
  if (text.empty()) return std::optional<uid_t>();
  if (auto number = parse_number<uid_t>(text)) return number;
  auto found = TRY(process::find_user(text));
  if (!found) {
    return fail(Fault::Config, fmt::format("Unknown UNIX user: {}", text));
  }
  return std::optional<uid_t>(found->uid);
}

Result<std::optional<gid_t>> gid_of(const std::string& text) {
  if (text.empty()) return std::optional<gid_t>();
  if (auto number = parse_number<gid_t>(text)) return number;
  auto found = TRY(process::find_group(text));
  if (!found) {
    return fail(Fault::Config, fmt::format("Unknown UNIX group: {}", text));
  }
  return found;
}

std::string either(std::string_view field, const std::string& setting) {
  return field.empty() ? setting : std::string(field);
}

Result<> check_range(std::string_view kind, std::string_view name,
                     unsigned long id, unsigned long first,
                     unsigned long last) {
  std::string_view which;
  if (id == 0 || id < first) which = "first";
  if (which.empty() && last != 0 && id > last) which = "last";
  if (which.empty()) return {};
  return fail(Fault::Config,
              fmt::format("Mail access for users with {} {} not permitted "
                          "(see {}_valid_{} in config file, {} from userdb "
                          "lookup).",
                          kind, id, which, name, name));
}

Result<> add_system_groups(const std::string& user, gid_t gid,
                           std::vector<gid_t>& groups) {
  std::vector<gid_t> found(64);
  int count = static_cast<int>(found.size());
  if (getgrouplist(user.c_str(), gid, found.data(), &count) < 0) {
    found.resize(static_cast<size_t>(count));
    if (getgrouplist(user.c_str(), gid, found.data(), &count) < 0) {
      return fail(Fault::Temporary,
                  fmt::format("getgrouplist({}) failed", user));
    }
  }
  found.resize(static_cast<size_t>(count));
  groups.insert(groups.end(), found.begin(), found.end());
  return {};
}

Variables variables_of(const MailUser& user, std::string_view home,
                       std::vector<std::string>& storage) {
  auto at = user.name.find('@');
  storage = {user.name.substr(0, at),
             at == std::string::npos ? "" : user.name.substr(at + 1),
             fmt::format("{}", ::getpid()),
             std::string(user.fields.get("uid")),
             std::string(user.fields.get("gid")),
             either(user.fields.get("auth_user"), user.name)};
  if (storage[3].empty()) storage[3] = fmt::format("{}", ::geteuid());
  if (storage[4].empty()) storage[4] = fmt::format("{}", ::getegid());
  Variables v;
  v.list = {{'u', "user", user.name},
            {'n', "username", storage[0]},
            {'d', "domain", storage[1]},
            {'s', "service", user.service},
            {'h', "home", home},
            {'l', "lip", user.local_ip},
            {'r', "rip", user.remote_ip},
            {'p', "pid", storage[2]},
            {'i', "uid", storage[3]},
            {0, "gid", storage[4]},
            {0, "session", user.session},
            {0, "auth_user", storage[5]},
            {0, "hostname", user.hostname},
            {0, "local_ip", user.local_ip},
            {0, "remote_ip", user.remote_ip}};
  v.resolve = [&user](std::string_view function,
                      std::string_view argument) -> std::optional<std::string> {
    if (function != "userdb") return std::nullopt;
    return std::string(user.fields.get(argument));
  };
  return v;
}

config::dovecot::Expansion expand_with(const MailUser& user,
                                       std::string_view text,
                                       std::string_view home) {
  std::vector<std::string> storage;
  return config::dovecot::expand_variables(text,
                                           variables_of(user, home, storage));
}

Result<std::string> expand_or_fail(const MailUser& user,
                                   std::string_view setting_name,
                                   std::string_view text) {
  std::string problem;
  auto expanded = user.expand(text, &problem);
  if (problem.empty()) return expanded;
  return fail(Fault::Config,
              fmt::format("Failed to expand {}: {}", setting_name, problem));
}

mailbox::Options::Fsync fsync_mode(const std::string& word) {
  if (word == "never") return mailbox::Options::Fsync::Never;
  if (word == "always") return mailbox::Options::Fsync::Always;
  return mailbox::Options::Fsync::Optimized;
}

Result<mailbox::Options> options_of(const MailUser& user) {
  const auto& s = *user.settings;
  mailbox::Options o;
  o.mail_max_keyword_length =
      static_cast<unsigned>(s.get(setting::mail_max_keyword_length));
  o.mail_max_lock_timeout =
      static_cast<unsigned>(s.get(setting::mail_max_lock_timeout).count());
  o.mail_fsync = fsync_mode(s.get(setting::mail_fsync));
  o.mail_save_crlf = s.get(setting::mail_save_crlf);
  o.mail_temp_scan_interval =
      static_cast<unsigned>(s.get(setting::mail_temp_scan_interval).count());
  o.mail_cache_max_size = s.get(setting::mail_cache_max_size);
  o.maildir_stat_dirs = s.get(setting::maildir_stat_dirs);
  o.maildir_copy_with_hardlinks = s.get(setting::maildir_copy_with_hardlinks);
  o.maildir_very_dirty_syncs = s.get(setting::maildir_very_dirty_syncs);
  o.maildir_broken_filename_sizes =
      s.get(setting::maildir_broken_filename_sizes);
  o.maildir_empty_new = s.get(setting::maildir_empty_new);
  o.mbox_dirty_syncs = s.get(setting::mbox_dirty_syncs);
  o.mbox_very_dirty_syncs = s.get(setting::mbox_very_dirty_syncs);
  o.mbox_lazy_writes = s.get(setting::mbox_lazy_writes);
  o.mbox_lock_timeout =
      static_cast<unsigned>(s.get(setting::mbox_lock_timeout).count());
  o.mbox_dotlock_change_timeout = static_cast<unsigned>(
      s.get(setting::mbox_dotlock_change_timeout).count());
  o.mbox_read_locks = s.get(setting::mbox_read_locks);
  o.mbox_write_locks = s.get(setting::mbox_write_locks);
  o.mbox_md5_all = s.get(setting::mbox_md5) == "all";
  o.hostname = user.hostname;
  o.privileged_group = TRY(gid_of(s.get(setting::mail_privileged_group)));
  return o;
}

Result<mailbox::NamespaceSettings> namespace_of(
    const MailUser& user,
    const config::dovecot::Section<config::dovecot::Namespace>& s) {
  namespace of = setting::name_space;
  using Settings = mailbox::NamespaceSettings;
  Settings n;
  n.name = s.name();
  const auto& type = s.get(of::type);
  n.type = type == "shared"   ? Settings::Type::Shared
           : type == "public" ? Settings::Type::Public
                              : Settings::Type::Private;
  n.separator = s.get(of::separator);
  n.prefix = TRY(expand_or_fail(user, "namespace/prefix", s.get(of::prefix)));
  n.location =
      TRY(expand_or_fail(user, "namespace/location", s.get(of::location)));
  n.inbox = s.get(of::inbox);
  n.hidden = s.get(of::hidden);
  n.subscriptions = s.get(of::subscriptions);
  const auto& list = s.get(of::list);
  n.list = list == "no"         ? Settings::List::No
           : list == "children" ? Settings::List::Children
                                : Settings::List::Yes;
  n.alias = s.is_set(of::alias_for);
  n.alias_for = s.get(of::alias_for);
  n.ignore_on_failure = s.get(of::ignore_on_failure);
  n.disabled = s.get(of::disabled);
  n.order = static_cast<unsigned>(s.get(of::order));
  for (auto& m : config::dovecot::mailboxes(s)) {
    namespace box = setting::mailbox;
    mailbox::MailboxSettings one;
    one.name = m.name();
    const auto& automatic = m.get(box::auto_);
    using Auto = mailbox::MailboxSettings::Auto;
    one.automatic = automatic == "create"      ? Auto::Create
                    : automatic == "subscribe" ? Auto::Subscribe
                                               : Auto::No;
    one.special_use = m.get(box::special_use);
    one.comment = m.get(box::comment);
    one.autoexpunge = m.get(box::autoexpunge).count();
    one.autoexpunge_max_mails = m.get(box::autoexpunge_max_mails);
    n.mailboxes.push_back(std::move(one));
  }
  return n;
}

/// mail_plugins = quota. A user database's fields override what is set.
Result<std::shared_ptr<const mailbox::QuotaSettings>> quota_of(
    const MailUser& user) {
  const auto& s = *user.settings;
  std::shared_ptr<const mailbox::QuotaSettings> none;
  auto plugins = split(s.get(setting::mail_plugins), " ,");
  if (std::find(plugins.begin(), plugins.end(), "quota") == plugins.end()) {
    return none;
  }
  mailbox::PluginSetting plugin =
      [&](const std::string& name) -> std::optional<std::string> {
    if (user.fields.has(name)) return std::string(user.fields.get(name));
    auto value = s.plugin(name);
    if (!value) return std::nullopt;
    return user.expand(*value, nullptr);
  };
  auto read = TRY(mailbox::read_quota_settings(plugin));
  return std::shared_ptr<const mailbox::QuotaSettings>(
      std::make_shared<mailbox::QuotaSettings>(std::move(read)));
}

}  // namespace

Result<std::string> MailUser::home() const {
  std::string home(fields.get("home"));
  if (home.empty()) {
    auto expanded = expand_with(*this, settings->get(setting::mail_home), "");
    if (!expanded.problem.empty()) {
      return fail(Fault::Config, fmt::format("Failed to expand mail_home: {}",
                                             expanded.problem));
    }
    home = std::move(expanded.text);
  }
  // "/jail/./home": what stands before is the jail (see identity_of).
  if (auto at = home.find("/./"); at != std::string::npos) {
    home.erase(0, at + 2);
  }
  if (!home.empty() && home[0] != '/') {
    return fail(
        Fault::Config,
        fmt::format("Relative home directory paths not supported: {}", home));
  }
  return home;
}

std::string MailUser::expand(std::string_view text,
                             std::string* problem) const {
  std::string home_directory;
  if (config::dovecot::has_variable(text, 'h', "home")) {
    auto found = home();
    if (found) home_directory = *found;
  }
  auto expanded = expand_with(*this, text, home_directory);
  if (problem) *problem = expanded.problem;
  return expanded.text;
}

std::string MailUser::log_prefix() const {
  return expand(settings->get(setting::mail_log_prefix), nullptr);
}

Result<daemon::Identity> identity_of(const MailUser& user,
                                     const std::vector<gid_t>& own_groups) {
  const auto& s = *user.settings;
  daemon::Identity who;
  auto uid =
      TRY(uid_of(either(user.fields.get("uid"), s.get(setting::mail_uid))));
  auto gid =
      TRY(gid_of(either(user.fields.get("gid"), s.get(setting::mail_gid))));
  if (!uid) {
    return fail(Fault::Config,
                "Couldn't drop privileges: User is missing UID (see mail_uid "
                "setting)");
  }
  if (!gid) {
    return fail(Fault::Config,
                "Couldn't drop privileges: User is missing GID (see mail_gid "
                "setting)");
  }
  TRY(check_range("UID", "uid", *uid, s.get(setting::first_valid_uid),
                  s.get(setting::last_valid_uid)));
  TRY(check_range("GID", "gid", *gid, s.get(setting::first_valid_gid),
                  s.get(setting::last_valid_gid)));
  who.uid = *uid;
  who.gid = *gid;
  who.groups = own_groups;
  std::string account(user.fields.get("system_groups_user"));
  if (!account.empty()) TRY(add_system_groups(account, *gid, who.groups));
  who.groups.push_back(*gid);
  for (auto name : split(s.get(setting::mail_access_groups), " ,")) {
    if (auto group = TRY(gid_of(std::string(name)))) {
      who.groups.push_back(*group);
    }
  }
  std::sort(who.groups.begin(), who.groups.end());
  who.groups.erase(std::unique(who.groups.begin(), who.groups.end()),
                   who.groups.end());
  who.saved_gid = TRY(gid_of(s.get(setting::mail_privileged_group)));
  who.chroot = user.fields.get("chroot");
  if (who.chroot.empty()) {
    who.chroot =
        TRY(expand_or_fail(user, "mail_chroot", s.get(setting::mail_chroot)));
  }
  auto home = user.fields.get("home");
  if (auto at = home.find("/./"); at != std::string_view::npos) {
    who.chroot += home.substr(0, at);
  }
  return who;
}

Result<mailbox::UserSettings> storage_settings(const MailUser& user) {
  const auto& s = *user.settings;
  mailbox::UserSettings out;
  out.owner.user = user.name;
  out.owner.home = TRY(user.home());
  std::string location = either(user.fields.get("mail"), "");
  if (location.empty()) {
    location =
        either(user.fields.get("mail_location"), s.get(setting::mail_location));
  }
  out.mail_location = TRY(expand_or_fail(user, "mail_location", location));
  for (auto& space : s.namespaces()) {
    out.namespaces.push_back(TRY(namespace_of(user, space)));
  }
  out.options = TRY(options_of(user));
  out.quota = TRY(quota_of(user));
  out.delivers = user.service == "lmtp" || user.service == "lda";
  return out;
}

}  // namespace mail::login
