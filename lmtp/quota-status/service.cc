#include "lmtp/quota-status/service.h"

#include <fmt/format.h>

#include <cerrno>

#include "common/log/log.h"
#include "common/login/mail_user.h"
#include "common/login/public_text.h"
#include "common/login/user_log.h"
#include "common/login/workers.h"
#include "common/mailbox/quota.h"

namespace mail::quota_status {
namespace {

namespace setting_of = config::dovecot::setting;

constexpr std::chrono::minutes kReplyTime{1};
// Postfix keeps its connection as long as it likes.
constexpr std::chrono::hours kIdleTime{24};
constexpr std::string_view kTrouble =
    "DEFER_IF_PERMIT Internal error occurred. Refer to server log for more "
    "information.";

login::MailUser user_of(const daemon::DovecotContext& context, std::string name,
                        ipc::TabFields fields) {
  login::MailUser user;
  user.name = std::move(name);
  user.fields = std::move(fields);
  user.service = "quota-status";
  user.hostname = context.hostname;
  user.settings = context.settings;
  return user;
}

}  // namespace

Result<> Service::check_arguments() const {
  const auto& words = context_->arguments;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] != "-p") continue;
    if (i + 1 < words.size() && words[i + 1] == "postfix") return {};
    return fail(Fault::Config, "Unknown -p parameter: '" +
                                   (i + 1 < words.size() ? words[i + 1] : "") +
                                   "'");
  }
  return fail(Fault::Config, "Missing -p parameter");
}

Result<> Service::open(daemon::DovecotContext& context) {
  context_ = &context;
  port_ = daemon::WorkerPort::inherited();
  if (port_) {
    login::lift_memory_limit();
    return port_->identity().become();
  }
  TRY(check_arguments());
  workers_ =
      std::make_unique<daemon::UserWorkers>(login::worker_options(context));
  auth_ = std::make_unique<auth::MasterClient>(
      context.base_dir + "/auth-userdb", *context.tasks);
  return {};
}

net::Task<Result<>> Service::start(daemon::DovecotContext& context) {
  if (port_) {
    jobs_ = std::make_unique<net::TaskSet>();
    context.tasks->start(login::work(context, *port_, *jobs_, [this](auto job) {
      return do_job(std::move(job));
    }));
  }
  own_groups_ = login::supplementary_groups();
  co_return Result<>{};
}

void Service::stop() {
  if (workers_) workers_->stop();
}

std::string Service::setting(const char* name, std::string_view usual) const {
  auto value = context_->settings->plugin(name);
  return std::string(value ? *value : usual);
}

net::Task<> Service::serve(net::Stream stream, daemon::DovecotConnection) {
  while (true) {
    size_t used = 0;
    while (auto request = take_request(stream.input(), used)) {
      stream.consume(used);
      std::string action = co_await answer(std::move(*request));
      stream.write("action=" + action + "\n\n");
    }
    auto sent = co_await stream.flush(net::Deadline::in(kReplyTime));
    if (!sent || stream.input().size() > kMostBytes) co_return;
    auto got = co_await stream.fill(net::Deadline::in(kIdleTime));
    if (!got || *got == 0) co_return;
  }
}

net::Task<std::string> Service::answer(Request request) {
  if (request.recipient.empty()) {
    log::error(
        "Client sent invalid recipient address `': Path is empty string");
    co_return "DUNNO";
  }
  std::string name =
      without_detail(request.recipient,
                     context_->settings->get(setting_of::recipient_delimiter));
  ipc::AuthInfo info;
  info.service = "quota-status";
  auto found = co_await auth_->user(name, std::move(info));
  if (!found || found->kind == ipc::UserAnswer::Kind::Fail) {
    log::error(fmt::format(
        "Failed to lookup user {}: {}", name,
        found ? std::string(found->fields.get("reason")) : found.error().what));
    co_return std::string(kTrouble);
  }
  if (found->kind == ipc::UserAnswer::Kind::NotFound) {
    co_return setting("quota_status_nouser", "REJECT Unknown user");
  }
  Verdict verdict =
      co_await ask_mailbox(found->user, std::move(found->fields), request.size);
  std::string full =
      setting("quota_status_overquota", "554 5.2.2 " + verdict.text);
  switch (verdict.kind) {
    case Verdict::Kind::Fits:
      co_return setting("quota_status_success", "OK");
    case Verdict::Kind::Full:
      co_return full;
    case Verdict::Kind::TooLarge:
      co_return setting("quota_status_toolarge", full);
    case Verdict::Kind::Trouble:
      break;
  }
  co_return std::string(kTrouble);
}

net::Task<Verdict> Service::ask_mailbox(std::string name, ipc::TabFields fields,
                                        uint64_t size) {
  auto user = user_of(*context_, name, fields);
  auto who = login::identity_of(user, own_groups_);
  if (!who) {
    login::user_log(user.log_prefix(), log::Level::Error, who.error().what);
    co_return Verdict{};
  }
  Question question{std::move(name), std::move(fields), size};
  std::string message = encode(question);
  UniqueFd none;
  auto text =
      co_await workers_->call(*who, std::move(none), std::move(message));
  auto verdict = text ? parse_verdict(*text)
                      : Result<Verdict>(fail(std::move(text.error())));
  if (!verdict) log::error("mailbox process: " + verdict.error().what);
  co_return verdict ? *verdict : Verdict{};
}

net::Task<> Service::do_job(daemon::WorkerPort::Job job) {
  auto question = parse_question(job.message);
  if (!question) log::error(question.error().what);
  port_->answer(job.id, encode(question ? judge(*question) : Verdict{}));
  co_return;
}

Verdict Service::judge(const Question& question) {
  auto user = user_of(*context_, question.user, question.fields);
  auto prefix = user.log_prefix();
  auto look = [&]() -> Result<> {
    auto settings = TRY(login::storage_settings(user));
    settings.delivers = true;
    auto storage = TRY(mailbox::Storage::open(registry_, std::move(settings)));
    if (!storage->quota()) return {};
    mailbox::QuotaSize size{question.size, question.size, 1};
    return storage->quota()->allow("INBOX", size, size);
  };
  auto done = look();
  if (done) return {Verdict::Kind::Fits, ""};
  const Error& error = done.error();
  if (error.fault == Fault::Permanent && error.sys == EDQUOT) {
    return {Verdict::Kind::Full, error.what};
  }
  if (error.fault == Fault::Permanent && error.sys == E2BIG) {
    return {Verdict::Kind::TooLarge, error.what};
  }
  login::user_log(prefix, log::Level::Error, error.what);
  return {};
}

}  // namespace mail::quota_status
