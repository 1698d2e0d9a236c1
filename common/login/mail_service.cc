#include "common/login/mail_service.h"

#include "common/login/user_log.h"
#include "common/login/workers.h"

namespace mail::login {
MailService::~MailService() = default;

Result<> MailService::open(daemon::DovecotContext& context) {
  context_ = &context;
  port_ = daemon::WorkerPort::inherited();
  if (!port_) {
    if (!context.standalone) open_root_part();
    return {};
  }
  lift_memory_limit();
  TRY(port_->identity().become());
  open_as_user(context);
  return {};
}

void MailService::open_root_part() {
  workers_ = std::make_unique<daemon::UserWorkers>(worker_options(*context_));
  auth_ = std::make_unique<auth::MasterClient>(
      context_->base_dir + "/auth-master", *context_->tasks);
  PostLogin::Hooks hooks;
  hooks.identity = [this](const SessionStart& start) {
    return identity_of(user_of(start), own_groups_);
  };
  hooks.log_error = [this](const SessionStart& start, std::string_view text) {
    user_log(user_of(start).log_prefix(), log::Level::Error, text);
  };
  hooks.apology = [this](const SessionStart& start) { return apology(start); };
  hooks.tell_anvil = [](std::string_view line) { daemon::tell_anvil(line); };
  post_login_ = std::make_unique<PostLogin>(protocol_, *auth_, *workers_,
                                            std::move(hooks));
}

net::Task<Result<>> MailService::start(daemon::DovecotContext& context) {
  own_groups_ = supplementary_groups();
  if (port_) {
    sessions_ = std::make_unique<net::TaskSet>();
    context.tasks->start(work(
        context, *port_, *sessions_,
        [this](auto job) { return serve_job(std::move(job)); },
        [this] { end_sessions(); }));
  }
  co_return Result<>{};
}

net::Task<> MailService::serve(net::Stream stream, daemon::DovecotConnection) {
  co_await post_login_->serve(std::move(stream));
}

void MailService::stop() {
  if (workers_) workers_->stop();
}

MailUser MailService::user_of(const SessionStart& start) const {
  MailUser user;
  user.name = start.user;
  user.fields = start.fields;
  user.service = protocol_;
  user.session = start.request.session;
  user.local_ip = start.request.local_ip.text();
  user.remote_ip = start.request.remote_ip.text();
  user.hostname = context_->hostname;
  user.settings = context_->settings;
  return user;
}

void MailService::end_sessions() {
  for (auto& shut_down : shut_downs_) {
    if (shut_down) shut_down();
  }
}

net::Task<> MailService::serve_job(daemon::WorkerPort::Job job) {
  auto start = parse_session_start(job.message);
  if (!start || !job.fd) {
    log::error(start ? "session without a descriptor" : start.error().what);
    port_->answer(job.id, "");
    co_return;
  }
  UserSession session;
  session.user = user_of(*start);
  config::dovecot::Context where;
  where.service = protocol_;
  where.local_ip = session.user.local_ip;
  where.remote_ip = session.user.remote_ip;
  auto settings = co_await daemon::settings_for(std::move(where));
  if (settings) session.user.settings = *settings;
  session.client = net::Stream(std::move(job.fd));
  session.request = std::move(start->request);
  session.log_prefix = session.user.log_prefix();
  auto place = shut_downs_.insert(shut_downs_.end(), std::function<void()>());
  session.shut_down = &*place;
  co_await serve_user(std::move(session));
  shut_downs_.erase(place);
  port_->answer(job.id, "");
}

}  // namespace mail::login
