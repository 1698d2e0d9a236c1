#include "lmtp/dovecot-lda/delivery.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "common/auth/master_client.h"
#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/file.h"
#include "common/crypto/random.h"
#include "common/daemon/workers.h"
#include "common/net/loop.h"
#include "common/process/command.h"
#include "common/process/dovecot_files.h"
#include "common/process/ids.h"
#include "lmtp/deliver.h"
#include "lmtp/dovecot-lda/log.h"
#include "lmtp/dovecot-lda/rejection.h"
#include "lmtp/headers.h"
#include "lmtp/spool.h"

namespace mail::lda {
namespace {

namespace dovecot = config::dovecot;
namespace setting = config::dovecot::setting;

constexpr size_t kMemory = 4 << 20;
constexpr size_t kFromLine = 4096;
constexpr std::string_view kInternal =
    "Internal error occurred. Refer to server log for more information.";

/// What a run gathers. Blocking throughout: it serves one message.
class Run {
 public:
  explicit Run(const Options& options) : options_(options) {}
  int deliver();

 private:
  Result<> read_settings();
  int find_user();
  int find_in_database();
  Result<> read_message();
  Result<> read_all(int fd);
  Result<> become();
  lmtp::Delivery delivery();
  int finish(const lmtp::Outcome& outcome);
  int reject(const lmtp::Outcome& outcome);
  Rejection rejection(const lmtp::Outcome& outcome) const;
  int fatal(std::string_view text);
  std::string recipient() const {
    return options_.final_address.empty() ? user_.name : options_.final_address;
  }

  const Options& options_;
  login::MailUser user_;
  std::string prefix_ = "lda: ";
  std::unique_ptr<lmtp::Spool> spool_;
  lmtp::LoggedHeaders logged_;
};

int Run::fatal(std::string_view text) {
  log_line(prefix_, log::Level::Fatal, text);
  return kTempFail;
}

Result<> Run::read_settings() {
  process::DovecotFiles files;
  auto configuration = dovecot::Configuration::load(options_.config, files);
  for (auto& problem : configuration.problems()) {
    if (problem.kind == dovecot::Problem::Kind::Error) {
      return fail(Fault::Config, problem.message());
    }
  }
  dovecot::Context where;
  where.service = "lda";
  auto flat = TRY(configuration.flat(where, {"lda", "mail"}, files));
  for (auto& [key, value] : options_.settings) flat.emplace_back(key, value);
  user_.settings = TRY(dovecot::Settings::make(flat));
  user_.service = "lda";
  user_.hostname = user_.settings->get(setting::hostname);
  if (user_.hostname.empty()) {
    char name[256] = "";
    ::gethostname(name, sizeof(name) - 1);
    user_.hostname = name;
  }
  auto session = base64_encode(crypto::random_bytes(16));
  while (session.ends_with('=')) session.pop_back();
  user_.session = session;
  open_log(*user_.settings);
  return {};
}

net::Task<Result<ipc::UserAnswer>> look_up(auth::MasterClient* auth,
                                           std::string name,
                                           std::string session) {
  ipc::AuthInfo info;
  info.service = "lda";
  info.session = std::move(session);
  auto answer = co_await auth->user(std::move(name), std::move(info));
  co_return answer;
}

int Run::find_user() {
  prefix_ = fmt::format("lda({}): ", ::getpid());
  if (options_.user) return find_in_database();
  if (::geteuid() == 0) {
    tell("lda: Fatal: destination user parameter (-d user) not given");
    return kUsageError;
  }
  const char* name = ::getenv("USER");
  const char* home = ::getenv("HOME");
  auto account = process::find_account(::geteuid());
  user_.name = name                  ? name
               : account && *account ? (*account)->name
                                     : fmt::format("{}", ::geteuid());
  if (home) user_.fields.set("home", home);
  prefix_ = user_.log_prefix();
  return kOk;
}

int Run::find_in_database() {
  user_.name = *options_.user;
  net::Loop loop;
  net::TaskSet tasks;
  auth::MasterClient auth(
      user_.settings->get(setting::base_dir) + "/auth-userdb", tasks);
  auto answer = loop.run(look_up(&auth, user_.name, user_.session));
  tasks.clear();  // which read from what `auth` owns
  if (!answer || answer->kind == ipc::UserAnswer::Kind::Fail) {
    log_line(
        fmt::format("lda({})<{}><>: ", user_.name, ::getpid()),
        log::Level::Error,
        fmt::format("auth-master: userdb lookup({}): {}", user_.name,
                    answer ? "Auth USER lookup failed" : answer.error().what));
    return fatal(kInternal);
  }
  if (answer->kind == ipc::UserAnswer::Kind::NotFound) return kNoUser;
  user_.name = answer->user;
  user_.fields = std::move(answer->fields);
  prefix_ = user_.log_prefix();
  return kOk;
}

Result<> Run::become() {
  if (!options_.user) return {};
  auto who = TRY(login::identity_of(user_, {}));
  TRY(who.become());
  auto home = TRY(user_.home());
  if (!home.empty()) ::setenv("HOME", home.c_str(), 1);
  return {};
}

Result<> Run::read_message() {
  spool_ = std::make_unique<lmtp::Spool>(
      user_.settings->get(setting::mail_temp_dir), kMemory);
  UniqueFd file;
  if (!options_.path.empty()) {
    auto opened = open_file(options_.path, O_RDONLY);
    if (!opened) {
      return fail(Fault::Temporary,
                  fmt::format("Can't open delivery mail as raw: {}",
                              opened.error().sys == ENOENT
                                  ? "Mailbox doesn't exist: " + options_.path
                                  : opened.error().what));
    }
    file = std::move(*opened);
  }
  TRY(read_all(file ? file.get() : STDIN_FILENO));
  TRY(spool_->finish());
  logged_ = lmtp::logged_headers(spool_->beginning());
  return {};
}

// A mailbox's From_ line in front is not the message's.
Result<> Run::read_all(int fd) {
  std::string buffer(65536, '\0'), begin;
  bool began = false;
  while (true) {
    ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", errno);
    if (n == 0) break;
    std::string_view piece(buffer.data(), static_cast<size_t>(n));
    if (began) {
      TRY(spool_->append(piece));
      continue;
    }
    begin += piece;
    auto end = begin.find('\n');
    if (end == std::string::npos && begin.size() < kFromLine) continue;
    began = true;
    bool from = begin.starts_with("From ") && end != std::string::npos;
    TRY(spool_->append(std::string_view(begin).substr(from ? end + 1 : 0)));
  }
  if (!began) TRY(spool_->append(begin));
  return {};
}

lmtp::Delivery Run::delivery() {
  lmtp::Delivery d;
  d.user = user_;
  d.sender = options_.sender;
  d.address = recipient();
  d.mailbox = options_.mailbox;
  d.content.size = spool_->size();
  if (spool_->in_memory()) {
    d.content.bytes = spool_->memory();
  } else {
    d.content.fd = spool_->file();
  }
  d.message_id = logged_.message_id;
  d.subject = logged_.subject;
  d.from = logged_.from;
  auto prefix = prefix_;
  d.log = [prefix](log::Level level, std::string_view text) {
    log_line(prefix, level, text);
  };
  return d;
}

Rejection Run::rejection(const lmtp::Outcome& outcome) const {
  Rejection r;
  r.sender = options_.sender;
  r.recipient = recipient();
  r.reason = outcome.text;
  r.status = outcome.kind == lmtp::Outcome::Kind::Quota ? "5.2.2" : "5.2.0";
  auto header = spool_->beginning();
  r.header = header.substr(0, header.find("\n\n"));
  r.subject = logged_.subject;
  r.hostname = user_.hostname;
  timeval now{};
  ::gettimeofday(&now, nullptr);
  r.seconds = now.tv_sec;
  r.microseconds = now.tv_usec;
  r.pid = ::getpid();
  return r;
}

int Run::reject(const lmtp::Outcome& outcome) {
  if (options_.stderr_rejection) {
    tell(outcome.text);
    return kNoPerm;
  }
  if (options_.sender.empty()) {
    log_line(
        prefix_, log::Level::Info,
        fmt::format("Return-Path missing, rejection reason: {}", outcome.text));
    return kOk;
  }
  auto text = rejection_text(rejection(outcome), *user_.settings);
  if (!text) return fatal(text.error().what);
  process::Command command;
  for (auto word : split(user_.settings->get(setting::sendmail_path), " ")) {
    command.argv.emplace_back(word);
  }
  for (auto word : {"-i", "-f", "<>", "--"}) command.argv.emplace_back(word);
  command.argv.push_back(options_.sender);
  command.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  auto input = [&text](std::string& out) -> Result<bool> {
    out += *text;
    return false;
  };
  auto end = process::run_command(command, input);
  if (!end || end->status != 0 || end->signal != 0) {
    return fatal(fmt::format(
        "Sending the rejection with {} failed: {}", command.argv[0],
        end ? trim(end->output) : std::string_view(end.error().what)));
  }
  log_line(prefix_, log::Level::Info,
           fmt::format(
               "msgid={}: rejected: {}",
               logged_.message_id.empty() ? "unspecified" : logged_.message_id,
               outcome.text));
  return kOk;
}

int Run::finish(const lmtp::Outcome& outcome) {
  using Kind = lmtp::Outcome::Kind;
  if (outcome.kind == Kind::Saved) return kOk;
  bool later = outcome.kind == Kind::Temporary ||
               (outcome.kind == Kind::Quota &&
                user_.settings->get(setting::quota_full_tempfail));
  if (!later) return reject(outcome);
  if (options_.stderr_rejection || outcome.kind == Kind::Quota) {
    tell(outcome.text);
  }
  return kTempFail;
}

int Run::deliver() {
  if (auto read = read_settings(); !read) {
    tell(fmt::format("lda({}): Fatal: Error reading configuration: {}",
                     ::getpid(), read.error().what));
    return kTempFail;
  }
  if (int status = find_user(); status != kOk) return status;
  if (auto became = become(); !became) return fatal(became.error().what);
  if (auto read = read_message(); !read) return fatal(read.error().what);
  net::Loop loop;
  lmtp::Deliverer deliverer;
  auto outcome = loop.run(deliverer.deliver(delivery()));
  daemon::end_workers();
  return finish(outcome);
}

}  // namespace

int deliver(const Options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  return Run(options).deliver();
}

}  // namespace mail::lda
