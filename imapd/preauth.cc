#include "imapd/preauth.h"

#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "common/base/base64.h"
#include "common/base/file.h"
#include "common/config/dovecot/configuration.h"
#include "common/crypto/random.h"
#include "common/daemon/standalone.h"
#include "common/daemon/workers.h"
#include "common/login/mail_user.h"
#include "common/net/loop.h"
#include "common/process/ids.h"
#include "imapd/session.h"
#include "imapd/settings.h"

namespace mail::imapd {
namespace {

namespace setting = config::dovecot::setting;
constexpr int kFatal = 89;  // the original's status for a bad configuration

class DiskFiles : public config::dovecot::FileReader {
 public:
  Result<std::string> read(const std::string& path) override {
    return read_file(path);
  }
  std::vector<std::string> glob(const std::string& pattern) override {
    glob_t found{};
    std::vector<std::string> out;
    if (::glob(pattern.c_str(), GLOB_BRACE, nullptr, &found) == 0) {
      out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    globfree(&found);
    return out;
  }
  std::string environment(const std::string& name) override {
    const char* value = std::getenv(name.c_str());
    return value ? value : "";
  }
  // A conversation over standard input has no addresses to compare with.
  std::vector<std::string> resolve(const std::string&) override { return {}; }
};

struct Options {
  std::string file = "/etc/dovecot/dovecot.conf";
  std::vector<std::string> overrides;
};

void complain(std::string_view text) {
  std::string line = fmt::format("imap: {}\n", text);
  (void)write_all(STDERR_FILENO, line);
}

std::optional<Options> read_options(int argc, char** argv) {
  Options out;
  int option = 0;
  while ((option = getopt(argc, argv, "c:o:")) != -1) {
    if (option == 'c') {
      out.file = optarg;
    } else if (option == 'o') {
      out.overrides.emplace_back(optarg);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

Result<config::dovecot::SettingsPtr> load(const Options& options) {
  DiskFiles files;
  auto configuration =
      config::dovecot::Configuration::load(options.file, files);
  for (const auto& problem : configuration.problems()) {
    if (problem.kind == config::dovecot::Problem::Kind::Error) {
      return fail(Fault::Config, problem.message());
    }
    complain("Warning: " + problem.message());
  }
  config::dovecot::Context context;
  context.service = "imap";
  std::vector<std::string> modules = {"imap", "mail"};
  auto flat = TRY(configuration.flat(context, modules, files));
  for (const std::string& text : options.overrides) {
    size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return fail(Fault::Config,
                  "Invalid -o parameter " + text + ": Missing '='");
    }
    std::string name = text.substr(0, equals);
    std::erase_if(flat, [&](const auto& pair) { return pair.first == name; });
    flat.emplace_back(name, text.substr(equals + 1));
  }
  return config::dovecot::Settings::make(flat);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

Result<login::MailUser> user_of(config::dovecot::SettingsPtr settings) {
  login::MailUser user;
  user.name = environment("USER");
  if (user.name.empty()) {
    return fail(Fault::Config, "USER environment missing");
  }
  std::string home = environment("HOME");
  if (!home.empty()) user.fields.set("home", home);
  user.service = "imap";
  std::string id = base64_encode(crypto::random_bytes(16));
  while (id.ends_with('=')) id.pop_back();
  user.session = id;
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  user.hostname = name;
  user.settings = std::move(settings);
  return user;
}

Log stderr_log(std::string prefix) {
  return [prefix](Severity severity, std::string_view text) {
    static constexpr std::string_view kWords[] = {"Debug", "Info", "Warning",
                                                  "Error"};
    std::string line = fmt::format("{}{}: {}\n", prefix,
                                   kWords[static_cast<size_t>(severity)], text);
    (void)write_all(STDERR_FILENO, line);
  };
}

net::Task<> serve(mailbox::Registry* registry, net::Stream stream,
                  Account account, Log log) {
  Session session(*registry, std::move(stream), std::move(account), log);
  Session::Start start;
  start.preauthenticated = true;
  co_await session.serve(std::move(start));
}

Result<Account> account_of(const login::MailUser& user, const Log& log) {
  Account account;
  account.user = user.name;
  account.session_id = user.session;
  account.config = config_of(*user.settings);
  account.mail = TRY(login::storage_settings(user));
  account.mail.owner.mail_variable = environment("MAIL");
  account.mail.owner.maildir_variable = environment("MAILDIR");
  account.mail.log = mailbox_log(log);
  return account;
}

}  // namespace

int run_preauthenticated(int argc, char** argv) {
  auto options = read_options(argc, argv);
  if (!options) return kFatal;
  auto settings = load(*options);
  auto user = settings ? user_of(*settings)
                       : Result<login::MailUser>(fail(settings.error()));
  if (!user) {
    complain("Fatal: " + user.error().what);
    return kFatal;
  }
  Log log = stderr_log(user->log_prefix());
  auto account = account_of(*user, log);
  if (!account) {
    complain("Fatal: " + account.error().what);
    return kFatal;
  }
  net::Loop loop;
  net::TaskSet relay, tasks;
  mailbox::Registry registry;
  tasks.start(registry.serve());
  auto stream = daemon::standalone_stream(relay);
  if (!stream) {
    complain("Fatal: " + stream.error().what);
    return kFatal;
  }
  loop.run(serve(&registry, std::move(*stream), std::move(*account), log));
  loop.run(relay.drained());
  daemon::end_workers();
  return 0;
}

}  // namespace mail::imapd
