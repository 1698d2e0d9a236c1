#include "tools/doveadm/mail/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/config/dovecot/setting_list.h"
#include "common/login/public_text.h"
#include "tools/doveadm/auth_info.h"
#include "tools/doveadm/mail/become.h"

namespace mail::doveadm {

namespace setting = config::dovecot::setting;

namespace {

constexpr size_t kMaxUserFile = 256 << 20;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

void tell(Context& context, std::string_view who, std::string_view severity,
          std::string_view text) {
  context.flush();
  (void)write_all(STDERR_FILENO,
                  fmt::format("doveadm({}): {}: {}\n", who, severity, text));
}

/// A later status hides an earlier one only when it is worse.
void join_status(int& status, int one) {
  if (status == kOk || one == kFailed) status = one;
}

}  // namespace

MailRun::MailRun(Context& context, const std::string& letters)
    : context_(context) {
  Options options(context, "AF:S:u:" + letters, Options::Place::Anywhere);
  while (int letter = options.next()) {
    options_[static_cast<char>(letter)] = options.value();
  }
  words_ = options.rest();
  several_ = has('A') || has('F') || (has('u') && is_mask(option('u')));
  if (has('S')) {
    context.fatal(
        "doveadm -S: commands run here only, doveadm-server is not "
        "built yet");
  }
}

MailRun::~MailRun() { tasks_.clear(); }

std::string MailRun::option(char letter) const {
  auto found = options_.find(letter);
  return found == options_.end() ? "" : found->second;
}

const std::vector<std::string>& MailRun::words(size_t at_least) const {
  if (words_.size() < at_least) context_.usage();
  return words_;
}

Query MailRun::query(size_t from) const {
  words(from + 1);
  std::vector<std::string> part(words_.begin() + static_cast<long>(from),
                                words_.end());
  auto query = Query::parse(part, std::time(nullptr));
  if (!query) context_.fatal(query.error().what);
  return *query;
}

void MailRun::columns(std::vector<Printer::Column> columns) {
  if (several_) {
    columns.insert(columns.begin(), {"username", "Username", true});
  }
  context_.printer.show_columns(std::move(columns));
}

auth::MasterClient& MailRun::client() {
  if (!client_) {
    context_.loop();
    client_ = std::make_unique<auth::MasterClient>(
        context_.socket_path(
            context_.settings().get(setting::auth_socket_path)),
        tasks_);
  }
  return *client_;
}

login::MailUser MailRun::account_of(std::string name, ipc::TabFields fields) {
  login::MailUser out;
  out.name = std::move(name);
  out.fields = std::move(fields);
  out.service = "doveadm";
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  out.hostname = host;
  out.settings = context_.settings_snapshot();
  return out;
}

std::optional<login::MailUser> MailRun::look_up(const std::string& name,
                                                int* status) {
  ipc::AuthInfo info;
  info.service = "doveadm";
  auto answer = context_.loop().run(client().user(name, info));
  using Kind = ipc::UserAnswer::Kind;
  if (answer && answer->kind == Kind::Found) {
    return account_of(answer->user, std::move(answer->fields));
  }
  if (answer && answer->kind == Kind::NotFound) {
    if (several_) {
      tell(context_, name, "Info", "User no longer exists, skipping");
      return std::nullopt;
    }
    tell(context_, name, "Error", "User doesn't exist");
    join_status(*status, kNoUser);
    return std::nullopt;
  }
  context_.flush();
  (void)write_all(
      STDERR_FILENO,
      fmt::format("doveadm({})<{}><>: Error: auth-master: userdb lookup({}): "
                  "{}\n",
                  name, getpid(), name,
                  answer ? "Auth USER lookup failed" : answer.error().what));
  tell(context_, name, "Error",
       "User lookup failed: Internal error occurred. Refer to server log for "
       "more information.");
  join_status(*status, kFailed);
  return std::nullopt;
}

std::vector<std::string> MailRun::all_names(int* status) {
  std::vector<std::string> out;
  if (has('F')) {
    std::string path = option('F');
    auto text = read_file(path, kMaxUserFile);
    if (!text) {
      context_.error(
          fmt::format("read({}) failed: {}", path, text.error().what));
      (void)write_all(STDERR_FILENO,
                      "doveadm: Error: Failed to iterate through some users\n");
      join_status(*status, kFailed);
      return out;
    }
    for (auto line : split(*text, "\n")) out.emplace_back(trim_right(line));
    return out;
  }
  std::string mask = has('u') ? option('u') : "*";
  ipc::AuthInfo info;
  info.service = "doveadm";
  auto listed = context_.loop().run(client().list(mask, info));
  if (!listed || !listed->complete) {
    if (!listed) context_.error(listed.error().what);
    (void)write_all(STDERR_FILENO,
                    "doveadm: Error: Failed to iterate through some users\n");
    join_status(*status, kFailed);
  }
  if (!listed) return out;
  for (auto& name : listed->users) {
    if (matches_mask(mask, name)) out.push_back(std::move(name));
  }
  return out;
}

int MailRun::each(const std::function<void(UserMail&)>& command) {
  int status = kOk;
  if (several_) {
    for (const auto& name : all_names(&status)) {
      auto account = look_up(name, &status);
      if (account) join_status(status, run_one(*account, command));
    }
    return status;
  }
  if (has('u')) {
    auto account = look_up(option('u'), &status);
    return account ? run_one(*account, command) : status;
  }
  std::string name = environment("USER");
  if (name.empty()) {
    context_.fatal("USER environment is missing and -u option not used",
                   kUsage);
  }
  ipc::TabFields fields;
  if (std::string home = environment("HOME"); !home.empty()) {
    fields.set("home", home);
  }
  return run_one(account_of(name, std::move(fields)), command);
}

int MailRun::run_one(const login::MailUser& account,
                     const std::function<void(UserMail&)>& command) {
  if (geteuid() != 0) return run_storage(account, command);
  auto identity = login::identity_of(account, {});
  if (!identity) {
    tell(context_, account.name, "Error", identity.error().what);
    return kFailed;
  }
  if (!several_) {
    auto done = identity->become();
    if (!done) {
      tell(context_, account.name, "Error", done.error().what);
      return kFailed;
    }
    return run_storage(account, command);
  }
  auto user = BecomeForAWhile::become(*identity);
  if (!user) {
    tell(context_, account.name, "Error", user.error().what);
    return kFailed;
  }
  return run_storage(account, command);
}

int MailRun::run_storage(const login::MailUser& account,
                         const std::function<void(UserMail&)>& command) {
  auto settings = login::storage_settings(account);
  if (!settings) {
    tell(context_, account.name, "Error", settings.error().what);
    return kFailed;
  }
  settings->owner.mail_variable = environment("MAIL");
  settings->owner.maildir_variable = environment("MAILDIR");
  settings->log = [this, name = account.name](auto severity,
                                              std::string_view text) {
    using Severity = mailbox::UserSettings::Severity;
    if (severity == Severity::Info && !context_.verbose) return;
    tell(context_, name,
         severity == Severity::Info      ? "Info"
         : severity == Severity::Warning ? "Warning"
                                         : "Error",
         text);
  };
  mailbox::Registry registry;
  auto storage = mailbox::Storage::open(registry, std::move(*settings));
  if (!storage) {
    tell(context_, account.name, "Error", storage.error().what);
    return kFailed;
  }
  UserMail mail(context_, registry, account, **storage, several_);
  command(mail);
  return mail.status();
}

void UserMail::say(std::string_view severity, std::string_view text) {
  tell(context, account.name, severity, text);
}

void UserMail::error(std::string_view text, int status) {
  say("Error", text);
  join_status(status_, status);
}

void UserMail::take_status(int status) { join_status(status_, status); }

void UserMail::failed(std::string_view prefix, const Error& e) {
  if (e.fault != Fault::Permanent) say("Error", e.what);
  std::string text = login::public_text(e);
  // These two are sentences; imap puts the full stop behind all it says.
  if (text == "INBOX can't be deleted" ||
      text == "Renaming INBOX isn't supported") {
    text += '.';
  }
  error(fmt::format("{}: {}", prefix, text), status_of(e));
}

void UserMail::fatal(std::string_view text, int status) {
  say("Fatal", text);
  _exit(status);
}

void UserMail::row(std::vector<std::string> values) {
  if (named_) values.insert(values.begin(), account.name);
  context.printer.row(std::move(values));
  if (context.printer.is_full()) context.flush();
}

}  // namespace mail::doveadm
