#include "lmtp/session.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstring>

#include "common/base/base64.h"
#include "common/crypto/random.h"
#include "common/daemon/dovecot_service.h"
#include "common/log/log.h"
#include "common/login/mail_user.h"
#include "common/login/user_log.h"
#include "common/tls/summary.h"
#include "lmtp/headers.h"
#include "lmtp/replies.h"

namespace mail::lmtp {
namespace {

namespace setting = config::dovecot::setting;
using smtp::Reply;

constexpr std::chrono::minutes kIdleTime{5};
constexpr unsigned kMostBadCommands = 10;
constexpr size_t kMostRecipients = 1000;

net::Deadline soon() { return net::Deadline::in(kIdleTime); }

smtp::ServerLimits limits_of(const Shared& shared) {
  smtp::ServerLimits limits;
  limits.protocol = smtp::Protocol::Lmtp;
  limits.line_length = 4096;
  limits.bare_newline = smtp::BareNewline::Normalize;
  limits.host = shared.hostname;
  limits.commands.smtputf8 = false;
  return limits;
}

std::string new_session_id() {
  auto id = base64_encode(crypto::random_bytes(16));
  while (id.ends_with('=')) id.pop_back();
  return id;
}

}  // namespace

/// Recipients of one message that the same process saves for.
struct Session::Group {
  daemon::Identity who;
  std::vector<Recipient*> recipients;
};

Session::Session(Shared& shared, net::Stream stream)
    : shared_(shared),
      stream_(std::move(stream)),
      engine_(limits_of(shared)),
      local_end_(net::Endpoint::local_of(stream_.fd())),
      remote_end_(net::Endpoint::peer_of(stream_.fd())),
      session_(new_session_id()),
      settings_(shared.settings) {
  // A Unix socket's peer has no address, and no port.
  peer_ = remote_end_.port ? remote_end_.address.text() : "";
  ++shared_.session_count;
  // Dovecot wants no LHLO before MAIL; the engine does, and gets one.
  engine_.receive("LHLO localhost\r\n");
  if (engine_.next_event()) engine_.answer(Reply(250, "", "OK"));
  engine_.sent(engine_.pending().size());
}

Session::~Session() { --shared_.session_count; }

const char* Session::state_name() const {
  if (in_data_) return "DATA";
  if (!recipients_.empty()) return "RCPT TO";
  if (in_mail_) return "MAIL FROM";
  return helo_.empty() ? "GREETING" : "READY";
}

net::Task<> Session::serve() {
  std::string who = peer_.empty() ? "local" : peer_;
  log::info(fmt::format("Connect from {}", who));
  if (!peer_.empty()) {
    config::dovecot::Context where;
    where.service = "lmtp";
    where.local_ip = local_end_.address.text();
    where.remote_ip = peer_;
    auto settings = co_await daemon::settings_for(std::move(where));
    if (settings) settings_ = *settings;
  }
  engine_.say(Reply(220, "", shared_.hostname + " " + shared_.greeting));
  auto reason = co_await converse();
  log::info(fmt::format("Disconnect from {}: {} (state={})", who, reason,
                        state_name()));
}

net::Task<bool> Session::flush() {
  auto pending = engine_.pending();
  if (!pending.empty()) {
    stream_.write(pending);
    engine_.sent(pending.size());
  }
  auto sent = co_await stream_.flush(soon());
  co_return sent.has_value();
}

net::Task<std::string> Session::converse() {
  while (true) {
    while (auto event = engine_.next_event()) {
      if (auto* lines = std::get_if<smtp::BodyLines>(&*event)) {
        take_lines(*lines);
      } else if (auto* chunk = std::get_if<smtp::ChunkEnd>(&*event)) {
        engine_.answer(
            Reply(250, "2.0.0", fmt::format("Added {} octets", chunk->size)));
      } else if (std::get_if<smtp::BodyEnd>(&*event)) {
        co_await on_body_end();
      } else if (auto* refused = std::get_if<smtp::Refused>(&*event)) {
        engine_.answer(on_refused(*refused));
      } else if (auto* command = std::get_if<smtp::Command>(&*event)) {
        bool tls = std::holds_alternative<smtp::StartTls>(*command);
        auto reply = co_await on(std::move(*command));
        if (reply) engine_.answer(*reply);
        if (engine_.closed() && reply->code == 221) {
          bool sent = co_await flush();
          (void)sent;
          co_return "Logged out";
        }
        if (tls && reply && reply->code == 220) {
          bool begun = co_await begin_tls();
          if (!begun) co_return "Connection closed";
        }
      } else {
        engine_.answer(unknown_command());
      }
    }
    if (engine_.closed()) {
      bool sent = co_await flush();
      (void)sent;
      co_return "Too many invalid commands.";
    }
    size_t taken = engine_.receive(stream_.input());
    stream_.consume(taken);
    if (taken) continue;
    bool sent = co_await flush();
    if (!sent) co_return "Connection closed";
    auto got = co_await stream_.fill(soon());
    if (got && *got > 0) continue;
    if (!got && got.error().sys == ETIMEDOUT) {
      engine_.say(Reply(421, "4.4.2",
                        shared_.hostname + " Disconnected for inactivity"));
      bool told = co_await flush();
      (void)told;
      co_return "Disconnected for inactivity";
    }
    if (got) co_return "Connection closed";
    co_return fmt::format("Connection closed: read() failed: {}",
                          strerror(got.error().sys));
  }
}

Reply Session::on_refused(const smtp::Refused& refused) {
  auto reply = refusal(refused.verb, engine_.line(), refused.reply, in_mail_);
  if (reply.code > 502) return reply;
  if (++bad_commands_ <= kMostBadCommands) return reply;
  return smtp::hangup(
      {421, "4.7.0", shared_.hostname + " Too many invalid commands."});
}

net::Task<std::optional<Reply>> Session::on(smtp::Command command) {
  Reply reply;
  if (auto* helo = std::get_if<smtp::Helo>(&command)) {
    reply = on_helo(*helo);
  } else if (std::get_if<smtp::Mail>(&command)) {
    reply = on_mail();
  } else if (std::get_if<smtp::Rcpt>(&command)) {
    reply = co_await on_rcpt();
  } else if (std::get_if<smtp::Data>(&command) ||
             std::get_if<smtp::Bdat>(&command)) {
    reply = on_data();
  } else if (std::get_if<smtp::Rset>(&command)) {
    end_transaction();
    reply = Reply(250, "2.0.0", "OK");
  } else if (std::get_if<smtp::Noop>(&command)) {
    reply = Reply(250, "2.0.0", "OK");
  } else if (std::get_if<smtp::Quit>(&command)) {
    reply = engine_.line().find(' ') == std::string::npos
                ? Reply(221, "2.0.0", "Bye")
                : Reply(501, "5.5.4", "Invalid parameters");
  } else if (std::get_if<smtp::Vrfy>(&command)) {
    reply = Reply(252, "2.3.3", "Try RCPT instead");
  } else if (std::get_if<smtp::StartTls>(&command)) {
    reply = !shared_.tls || !tls_text_.empty()
                ? Reply(502, "5.5.1", "TLS is already active.")
                : Reply(220, "2.0.0", "Begin TLS negotiation now.");
  } else {
    smtp::Refused refused;
    refused.verb = engine_.verb();
    refused.reply = unknown_command();
    reply = on_refused(refused);
  }
  co_return reply;
}

Reply Session::on_helo(const smtp::Helo& helo) {
  if (helo.verb != smtp::Verb::Lhlo) {
    smtp::Refused refused;
    refused.reply = unknown_command();
    return on_refused(refused);
  }
  end_transaction();
  helo_ = helo.name;
  std::string text = shared_.hostname +
                     "\n8BITMIME\nCHUNKING\nENHANCEDSTATUSCODES\nPIPELINING";
  if (shared_.tls && tls_text_.empty() && shared_.tls->available()) {
    text += "\nSTARTTLS";
  }
  return {250, "", text};
}

Reply Session::on_mail() {
  if (in_mail_) return {503, "5.5.0", "MAIL already given"};
  Reply problem;
  auto path = parse_path_command(engine_.line(), PathKind::From, problem);
  if (!path) return problem;
  in_mail_ = true;
  ++transaction_;
  sender_ = path->address;
  return {250, "2.1.0", "OK"};
}

Reply Session::user_reply(int code, std::string_view status,
                          const PathCommand& path,
                          std::string_view text) const {
  return {code, status, fmt::format("<{}> {}", path.address, text)};
}

std::string Session::transaction_id() const {
  return transaction_ <= 1 ? session_
                           : fmt::format("{}:T{}", session_, transaction_);
}

net::Task<Reply> Session::on_rcpt() {
  Reply problem;
  auto path = parse_path_command(engine_.line(), PathKind::To, problem);
  if (!path) co_return problem;
  ++rcpt_commands_;
  if (recipients_.size() >= kMostRecipients) {
    co_return user_reply(452, "4.5.3", *path, "Too many recipients");
  }
  auto name = split_detail(*path, settings_->get(setting::recipient_delimiter));
  Recipient r;
  r.orcpt = path->orcpt;
  r.job.address = path->address;
  r.job.session = transaction_id();
  if (rcpt_commands_ > 1) {
    r.job.session += fmt::format(":R{}", rcpt_commands_);
  }
  ipc::AuthInfo info;
  info.service = "lmtp";
  if (!peer_.empty()) {
    info.local_ip = local_end_.address.text();
    info.remote_ip = peer_;
    info.local_port = local_end_.port;
    info.remote_port = remote_end_.port;
  }
  info.session = r.job.session;
  auto answer = co_await shared_.auth->user(name.user, std::move(info));
  if (!answer || answer->kind == ipc::UserAnswer::Kind::Fail) {
    log::error(fmt::format("rcpt {}: Failed to lookup user {}: {}",
                           path->address, name.user,
                           answer ? std::string(answer->fields.get("reason"))
                                  : answer.error().what));
    co_return user_reply(451, "4.3.0", *path, "Temporary internal error");
  }
  if (answer->kind == ipc::UserAnswer::Kind::NotFound) {
    co_return user_reply(550, "5.1.1", *path,
                         fmt::format("User doesn't exist: {}", name.user));
  }
  r.job.user = answer->user;
  r.job.fields = std::move(answer->fields);
  if (settings_->get(setting::lmtp_save_to_detail_mailbox)) {
    r.job.mailbox = name.detail;
  }
  login::MailUser user;
  user.name = r.job.user;
  user.fields = r.job.fields;
  user.service = "lmtp";
  user.session = r.job.session;
  user.remote_ip = peer_;
  user.hostname = shared_.hostname;
  user.settings = settings_;
  auto who = login::identity_of(user, shared_.own_groups);
  if (!who) {
    login::user_log(user.log_prefix(), log::Level::Error, who.error().what);
    co_return user_reply(451, "4.3.0", *path, "Temporary internal error");
  }
  r.who = std::move(*who);
  recipients_.push_back(std::move(r));
  co_return Reply(250, "2.1.5", "OK");
}

Reply Session::on_data() {
  if (!in_mail_) return {503, "5.5.0", "MAIL needed first"};
  if (recipients_.empty()) return {503, "5.5.0", "No valid recipients"};
  in_data_ = true;
  if (!spool_) {
    spool_ = std::make_unique<Spool>(shared_.temp_directory, kInlineBody);
    spool_failed_ = false;
  }
  return {354, "", "OK"};
}

void Session::take_lines(const smtp::BodyLines& lines) {
  if (spool_failed_) return;
  for (const auto& line : lines.lines) {
    auto kept = spool_->append(line.text);
    if (kept && !line.continues) kept = spool_->append("\n");
    if (kept) continue;
    log::error(kept.error().what);
    spool_failed_ = true;
    return;
  }
}

void Session::end_transaction() {
  in_mail_ = in_data_ = false;
  sender_.clear();
  recipients_.clear();
  rcpt_commands_ = 0;
  spool_.reset();
}

std::string Session::headers_for(const Recipient& r) const {
  Trace trace;
  trace.sender = sender_;
  trace.helo = helo_;
  trace.remote_ip = peer_;
  trace.hostname = shared_.hostname;
  trace.id = transaction_id();
  trace.tls = tls_text_;
  if (recipients_.size() == 1) {
    const auto& which = settings_->get(setting::lmtp_hdr_delivery_address);
    trace.recipient = r.job.address;
    if (which == "final") trace.delivered_to = r.job.address;
    if (which == "original") {
      trace.delivered_to = r.orcpt.empty() ? r.job.address : r.orcpt;
    }
  }
  trace.received = settings_->get(setting::lmtp_add_received_header);
  trace.now = WallClock::now();
  return trace_headers(trace);
}

net::Task<> Session::on_body_end() {
  if (!spool_failed_ && !spool_->finish()) spool_failed_ = true;
  std::map<daemon::Identity, Group> groups;
  for (auto& r : recipients_) {
    if (spool_failed_) {
      r.answer = {451, "4.3.0", "Temporary internal failure"};
      continue;
    }
    auto most = settings_->get(setting::lmtp_user_concurrency_limit);
    auto& running = shared_.deliveries[r.job.user];
    ++running;
    if (most && running > most) {
      r.answer = {451, "4.3.0", "Too many concurrent deliveries for user"};
      continue;
    }
    r.job.headers = headers_for(r);
    auto& group = groups[r.who];
    group.who = r.who;
    group.recipients.push_back(&r);
  }
  net::TaskSet running;
  for (auto& [who, group] : groups) running.start(deliver_group(&group));
  co_await running.drained();
  for (auto& r : recipients_) {
    if (!spool_failed_) {
      auto place = shared_.deliveries.find(r.job.user);
      if (--place->second == 0) shared_.deliveries.erase(place);
    }
    engine_.answer(Reply(r.answer.code, r.answer.status,
                         fmt::format("<{}> {}", r.job.address, r.answer.text)));
  }
  end_transaction();
}

net::Task<> Session::deliver_group(Group* group) {
  Job job;
  job.sender = sender_;
  job.remote_ip = peer_;
  if (!peer_.empty()) job.local_ip = local_end_.address.text();
  job.body_size = spool_->size();
  job.inline_body = spool_->in_memory();
  UniqueFd file;
  if (job.inline_body) {
    job.body = spool_->memory();
  } else {
    file.reset(::fcntl(spool_->file(), F_DUPFD_CLOEXEC, 0));
  }
  for (auto* r : group->recipients) job.recipients.push_back(r->job);
  auto text =
      co_await shared_.workers->call(group->who, std::move(file), encode(job));
  auto answers =
      text ? parse_answers(*text)
           : Result<std::vector<JobAnswer>>(fail(std::move(text.error())));
  bool good = answers && answers->size() == group->recipients.size();
  if (!good) {
    log::error(fmt::format("delivery process: {}",
                           answers ? "wrong answer" : answers.error().what));
  }
  for (size_t i = 0; i < group->recipients.size(); ++i) {
    group->recipients[i]->answer =
        good ? (*answers)[i]
             : JobAnswer{451, "4.3.0", "Temporary internal error"};
  }
}

net::Task<bool> Session::begin_tls() {
  bool sent = co_await flush();
  if (!sent) co_return false;
  shared_.tls->refresh(Clock::now());
  auto engine = shared_.tls->new_engine();
  if (!engine) {
    log::error(engine.error().what);
    co_return false;
  }
  tls::Engine* tls = engine->get();
  auto done = co_await stream_.handshake(std::move(*engine),
                                         tls::Engine::finished, soon());
  if (!done) co_return false;
  tls_text_ = tls::cipher_text(tls->summary());
  engine_.tls_started();
  end_transaction();
  helo_.clear();
  co_return true;
}

}  // namespace mail::lmtp
