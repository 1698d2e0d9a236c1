#include "lmtp/service.h"

#include <fmt/format.h>

#include "common/config/dovecot/expand_variables.h"
#include "common/login/user_log.h"
#include "common/login/workers.h"
#include "lmtp/headers.h"

namespace mail::lmtp {
namespace {

namespace setting = config::dovecot::setting;

constexpr size_t kHeaderForLog = 16 * 1024;

JobAnswer answer_of(const Outcome& outcome, const JobRecipient& recipient,
                    const config::dovecot::Settings& settings) {
  switch (outcome.kind) {
    case Outcome::Kind::Saved:
      return {250, "2.0.0", fmt::format("{} Saved", recipient.session)};
    case Outcome::Kind::Quota:
      if (settings.get(setting::quota_full_tempfail)) {
        return {452, "4.2.2", outcome.text};
      }
      return {552, "5.2.2", outcome.text};
    case Outcome::Kind::Permanent:
    case Outcome::Kind::Temporary:
      // A mailbox that cannot be opened today may be mended tomorrow.
      return {451, "4.2.0", outcome.text};
  }
  return {};
}

}  // namespace

Result<> Service::open(daemon::DovecotContext& context) {
  context_ = &context;
  port_ = daemon::WorkerPort::inherited();
  if (!port_) return open_root_part();
  login::lift_memory_limit();
  TRY(port_->identity().become());
  deliverer_ = std::make_unique<Deliverer>();
  return {};
}

Result<> Service::open_root_part() {
  const auto& s = *context_->settings;
  shared_.settings = context_->settings;
  shared_.hostname = s.get(setting::hostname);
  if (shared_.hostname.empty()) shared_.hostname = context_->hostname;
  shared_.greeting = TRY(config::dovecot::expand_variables_strictly(
      s.get(setting::login_greeting), {}));
  shared_.temp_directory = s.get(setting::mail_temp_dir);
  workers_ =
      std::make_unique<daemon::UserWorkers>(login::worker_options(*context_));
  shared_.workers = workers_.get();
  auth_ = std::make_unique<auth::MasterClient>(
      context_->base_dir + "/auth-userdb", *context_->tasks);
  shared_.auth = auth_.get();
  if (s.get(setting::ssl) == "no") return {};
  certificates_ = TRY(login::Certificates::open(
      s, "lmtp", context_->base_dir + "/dovecot.conf"));
  shared_.tls = &certificates_->context();
  return {};
}

net::Task<Result<>> Service::start(daemon::DovecotContext& context) {
  if (port_) {
    jobs_ = std::make_unique<net::TaskSet>();
    context.tasks->start(login::work(context, *port_, *jobs_, [this](auto job) {
      return do_job(std::move(job));
    }));
  }
  shared_.own_groups = login::supplementary_groups();
  if (certificates_) context.tasks->start(certificates_->follow());
  co_return Result<>{};
}

net::Task<> Service::serve(net::Stream stream, daemon::DovecotConnection) {
  Session session(shared_, std::move(stream));
  co_await session.serve();
}

void Service::stop() {
  if (workers_) workers_->stop();
}

net::Task<> Service::do_job(daemon::WorkerPort::Job job) {
  auto parsed = parse_job(job.message);
  std::string().swap(job.message);
  if (!parsed || (!parsed->inline_body && !job.fd)) {
    log::error(parsed ? "lmtp job without a file" : parsed.error().what);
    port_->answer(job.id, "");
    co_return;
  }
  auto answers = co_await save_all(std::move(*parsed), std::move(job.fd));
  port_->answer(job.id, encode(answers));
}

net::Task<std::vector<JobAnswer>> Service::save_all(Job job, UniqueFd file) {
  Content content;
  content.bytes = job.body;
  content.fd = job.inline_body ? -1 : file.get();
  content.size = job.body_size;
  auto beginning = content.beginning(kHeaderForLog);
  auto logged = logged_headers(beginning ? *beginning : std::string());
  std::vector<JobAnswer> answers;
  for (auto& recipient : job.recipients) {
    Delivery d;
    d.user.name = recipient.user;
    d.user.fields = recipient.fields;
    d.user.service = "lmtp";
    d.user.session = recipient.session;
    d.user.local_ip = job.local_ip;
    d.user.remote_ip = job.remote_ip;
    d.user.hostname = context_->hostname;
    d.user.settings = context_->settings;
    d.sender = job.sender;
    d.address = recipient.address;
    d.mailbox = recipient.mailbox;
    d.headers = std::move(recipient.headers);
    d.content = content;
    d.message_id = logged.message_id;
    d.subject = logged.subject;
    d.from = logged.from;
    auto prefix = d.user.log_prefix();
    d.log = [prefix](log::Level level, std::string_view text) {
      login::user_log(prefix, level, text);
    };
    auto outcome = co_await deliverer_->deliver(std::move(d));
    answers.push_back(answer_of(outcome, recipient, *context_->settings));
  }
  co_return answers;
}

}  // namespace mail::lmtp
