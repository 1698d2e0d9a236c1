#include "common/login/client.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/number.h"
#include "common/log/log.h"
#include "common/login/handing_over.h"
#include "common/login/relay.h"
#include "common/login/session_id.h"

namespace mail::login {
namespace {

constexpr std::chrono::seconds kAuthWait{30};

/// Finds dead peers within three minutes, also for the mail process, which
/// inherits the socket.
void watch_for_death(int fd) {
  int on = 1, idle = 60, interval = 20, count = 5;
  unsigned unacknowledged = 150000;  // ms
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged,
             sizeof(unacknowledged));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

uint64_t microseconds_now() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(
          WallClock::now().time_since_epoch())
          .count());
}

/// "TLS library problem: error:CODE:LIBRARY::REASON:FILE:LINE:DATA:" as
/// OpenSSL's own text for an error.
std::string library_error(const std::vector<std::string>& problems) {
  if (problems.empty()) return {};
  std::string_view text = problems.front();
  auto at = text.find("error:");
  if (at == std::string_view::npos) return std::string(text);
  auto pieces = split_exact(text.substr(at), ':');
  std::string out;
  for (size_t i = 0; i < pieces.size() && i < 5; ++i) {
    if (i) out += ':';
    out += pieces[i];
  }
  if (pieces.size() > 7 && !pieces[7].empty()) {
    out += ": ";
    out += pieces[7];
  }
  return out;
}

}  // namespace

Client::Client(Shared& shared, net::Stream stream, bool implicit_tls)
    : shared_(shared),
      stream_(std::move(stream)),
      engine_(shared.make_engine()),
      deadline_(net::Deadline::in(shared.settings.login_timeout)),
      implicit_tls_(implicit_tls) {
  attempts_.connected = Clock::now();
  learn_addresses();
  renew_offer();
  place_ = shared_.waiting.insert(shared_.waiting.end(), this);
}

Client::~Client() {
  if (waiting_) shared_.waiting.erase(place_);
}

// The wait for input ends at once; what it was for is told then.
void Client::drop() {
  dropped_ = true;
  ::shutdown(stream_.fd(), SHUT_RD);
  waiting_ = false;
  shared_.waiting.erase(place_);
}

void Client::learn_addresses() {
  watch_for_death(stream_.fd());
  local_end_ = net::Endpoint::local_of(stream_.fd());
  remote_end_ = net::Endpoint::peer_of(stream_.fd());
  trusted_ = is_trusted(shared_.settings, remote_end_.address);
  local_ = remote_end_.address == local_end_.address;
  session_ =
      session_id(microseconds_now(), remote_end_.port, remote_end_.address);
}

void Client::renew_offer() {
  offer_ = shared_.offer(tls_, secured(), trusted_);
  engine_->set_offer(offer_.get());
}

LogFacts Client::facts() const {
  LogFacts f;
  f.service = shared_.settings.protocol;
  f.user = user_;
  f.mechanism = mechanism_;
  f.remote_ip = remote_end_.address.text();
  f.local_ip = local_end_.address.text();
  f.remote_port = remote_end_.port;
  f.local_port = local_end_.port;
  if (handshaking_) {
    f.security = tls_error_.empty()
                     ? "TLS handshaking"
                     : fmt::format("TLS handshaking: {}", tls_error_);
  } else if (tls_) {
    f.security = "TLS";
  } else if (trusted_ || local_) {
    f.security = "secured";
  }
  f.tls = tls_text_;
  f.session = session_;
  f.local_name = local_name_;
  f.mail_pid = mail_pid_;
  return f;
}

std::string Client::line(std::string_view message) const {
  return log_line(shared_.settings.login_log_format,
                  shared_.settings.login_log_format_elements, message, facts());
}

void Client::log_disconnect(std::string_view reason, bool with_attempts) {
  std::string message = fmt::format("Disconnected: {}", reason);
  if (with_attempts) {
    message += fmt::format(" ({})", disconnect_reason(attempts_, Clock::now()));
  }
  log::info(line(message));
}

net::Task<bool> Client::flush() {
  auto pending = engine_->pending();
  if (pending.empty()) co_return true;
  stream_.write(pending);
  engine_->sent(pending.size());
  auto sent = co_await stream_.flush(deadline_);
  co_return sent.has_value();
}

net::Task<> Client::serve() {
  if (implicit_tls_) {
    bool begun = co_await begin_tls();
    if (!begun) co_return;
  }
  bool ready = co_await wait_for_auth();
  if (!ready) co_return;
  attempts_.ready = true;
  engine_->greet();
  auto next = co_await converse();
  if (next == Next::HandedOn && mail_) {
    engine_.reset();
    offer_.reset();
    co_await relay(&stream_, &mail_);
    co_return;
  }
  if (next == Next::Closed && stream_) stream_.say_goodbye();
}

net::Task<bool> Client::begin_tls() {
  handshaking_ = true;
  if (!shared_.tls) co_return false;
  shared_.tls->refresh(Clock::now());
  auto engine = shared_.tls->new_engine();
  if (!engine) {
    log::error(engine.error().what);
    log_disconnect("TLS initialization failed.");
    co_return false;
  }
  tls::Engine* tls = engine->get();
  auto done = co_await stream_.handshake(std::move(*engine),
                                         tls::Engine::finished, deadline_);
  if (!done) {
    tls_error_ = library_error(tls->library_problems());
    tls_failed(done.error());
    co_return false;
  }
  handshaking_ = false;
  tls_ = true;
  local_name_ = tls->summary().sni;
  tls_text_ = tls::cipher_text(tls->summary());
  engine_->tls_started();
  renew_offer();
  co_return true;
}

void Client::tls_failed(const Error& error) {
  if (!tls_error_.empty()) {
    tls_error_ = fmt::format("SSL_accept() failed: {}", tls_error_);
    attempts_.ready = true;  // what is said of attempts is the plain count
    log_disconnect(fmt::format("Connection closed: {}", tls_error_));
    return;
  }
  attempts_.ready = true;
  if (error.sys == ETIMEDOUT) return log_disconnect("Inactivity");
  log_disconnect("Connection closed");
}

// The greeting lists mechanisms, so it has to wait for them; what the client
// says before them is kept.
net::Task<bool> Client::wait_for_auth() {
  if (shared_.auth->connected()) {
    renew_offer();
    co_return true;
  }
  auto give_up = net::Deadline::in(kAuthWait);
  bool told = false;
  while (true) {
    auto connected = co_await shared_.auth->connect();
    if (connected) break;
    if (give_up.passed()) {
      log::error(connected.error().what);
      log_disconnect("Auth process not responding");
      co_return false;
    }
    if (!told) {
      engine_->say_waiting();
      bool sent = co_await flush();
      if (!sent) co_return false;
      told = true;
    }
    co_await net::sleep(std::chrono::milliseconds(200));
  }
  renew_offer();
  co_return true;
}

net::Task<Client::Next> Client::converse() {
  while (true) {
    while (auto event = engine_->next_event()) {
      auto next = co_await on(std::move(*event));
      if (next != Next::Go) co_return next;
    }
    auto taken = engine_->receive(stream_.input());
    stream_.consume(taken);
    if (taken) continue;
    bool sent = co_await flush();
    if (!sent) {
      log_disconnect("Connection closed");
      co_return Next::Closed;
    }
    size_t room = 1026 - std::min<size_t>(1025, engine_->unread().size());
    auto got = co_await stream_.fill(deadline_, room);
    if (dropped_) {
      engine_->say_bye("Connection queue full");
      log_disconnect("Connection queue full");
      bool told = co_await flush();
      (void)told;
      co_return Next::Closed;
    }
    if (got && *got > 0) continue;
    if (got) {
      log_disconnect("Connection closed");
    } else if (got.error().sys == ETIMEDOUT) {
      bool during = attempts_.waiting != Attempts::Waiting::Nothing;
      engine_->say_bye(
          during ? "Disconnected for inactivity during authentication."
                 : "Disconnected for inactivity.");
      stream_.write(engine_->pending());
      deadline_ = net::Deadline::in(std::chrono::seconds(10));
      log_disconnect(during ? "Inactivity during authentication"
                            : "Inactivity");
      auto told = co_await stream_.flush(deadline_);
      (void)told;
    } else {
      log_disconnect(fmt::format("Connection closed: read(size={}) failed: {}",
                                 room, strerror(got.error().sys)));
    }
    co_return Next::Closed;
  }
}

net::Task<Client::Next> Client::on(Event event) {
  if (auto* request = std::get_if<Authenticate>(&event)) {
    auto next = co_await authenticate(std::move(*request));
    co_return next;
  }
  if (auto* response = std::get_if<Response>(&event)) {
    auto next = co_await respond(std::move(response->text));
    co_return next;
  }
  if (std::holds_alternative<StartTls>(event)) {
    bool sent = co_await flush();
    if (!sent) co_return Next::Closed;
    bool begun = co_await begin_tls();
    co_return begun ? Next::Go : Next::Closed;
  }
  if (auto* closed = std::get_if<Closed>(&event)) {
    log_disconnect(closed->reason);
    bool sent = co_await flush();
    (void)sent;
    co_return Next::Closed;
  }
  if (std::holds_alternative<Aborted>(event)) {
    attempts_.waiting = Attempts::Waiting::Nothing;
    attempts_.aborted = true;
    co_await shared_.auth->cancel(auth_id_);
  } else if (std::holds_alternative<PlaintextRefused>(event)) {
    attempts_.failure = Attempts::Failure::Plaintext;
    if (shared_.settings.auth_verbose) {
      log::info(line("Login failed: Plaintext authentication disabled"));
    }
  } else if (auto* identified = std::get_if<Identified>(&event)) {
    identify(*identified);
  }
  co_return Next::Go;
}

void Client::refuse_mechanism(Refusal why, Attempts::Failure failure) {
  attempts_.failure = failure;
  engine_->refuse(why, "");
}

net::Task<Client::Next> Client::authenticate(Authenticate request) {
  user_.clear();
  mechanism_ = request.mechanism;
  responded_ = false;
  const auto& settings = shared_.settings;
  if (!secured() && settings.ssl == Settings::Ssl::Required) {
    if (settings.auth_verbose) {
      log::info(line("Login failed: SSL required for authentication"));
    }
    refuse_mechanism(Refusal::TlsRequired, Attempts::Failure::Plaintext);
    co_return Next::Go;
  }
  auto* mechanism = shared_.auth->find_mechanism(request.mechanism);
  if (!mechanism || mechanism->is_private) {
    if (settings.auth_verbose) {
      log::info(
          line(fmt::format("Authenticate {} failed: Unsupported "
                           "authentication mechanism.",
                           mechanism_)));
    }
    refuse_mechanism(Refusal::UnknownMechanism,
                     Attempts::Failure::UnknownMechanism);
    co_return Next::Go;
  }
  if (mechanism->plaintext && !offer_->plaintext) {
    if (settings.auth_verbose) {
      log::info(line("Login failed: Plaintext authentication disabled"));
    }
    refuse_mechanism(Refusal::PlaintextDisabled, Attempts::Failure::Plaintext);
    co_return Next::Go;
  }
  if (attempts_.count++ == 0) attempts_.first = Clock::now();
  auth::Request ask;
  ask.mechanism = request.mechanism;
  ask.initial = std::move(request.initial);
  ask.service = settings.protocol;
  ask.local_ip = local_end_.address.text();
  ask.remote_ip = remote_end_.address.text();
  ask.local_port = local_end_.port;
  ask.remote_port = remote_end_.port;
  ask.local_name = local_name_;
  ask.session = session_;
  ask.secured = secured();
  ask.tls = tls_;
  ask.debug = settings.auth_debug;
  attempts_.waiting = Attempts::Waiting::Auth;
  attempts_.waiting_since = Clock::now();
  auto started = co_await shared_.auth->start(std::move(ask));
  if (!started) {
    auth::Answer lost;
    lost.code = ipc::kCodeTempFail;
    attempts_.lost_auth = true;
    attempts_.waiting = Attempts::Waiting::Nothing;
    log::error(started.error().what);
    co_return fail(lost);
  }
  auth_id_ = started->id;
  auto next = co_await judge(std::move(started->answer));
  co_return next;
}

net::Task<Client::Next> Client::respond(std::string response) {
  responded_ = true;
  if (!base64_decode(response)) {
    co_await shared_.auth->cancel(auth_id_);
    attempts_.waiting = Attempts::Waiting::Nothing;
    if (shared_.settings.auth_verbose) {
      log::info(line(fmt::format(
          "Authenticate {} failed: Invalid base64 in response", mechanism_)));
    }
    refuse_mechanism(Refusal::InvalidBase64, Attempts::Failure::InvalidBase64);
    co_return Next::Go;
  }
  attempts_.waiting = Attempts::Waiting::Auth;
  attempts_.waiting_since = Clock::now();
  auto answer = co_await shared_.auth->go_on(auth_id_, std::move(response));
  if (!answer) {
    auth::Answer lost;
    lost.code = ipc::kCodeTempFail;
    attempts_.lost_auth = true;
    attempts_.waiting = Attempts::Waiting::Nothing;
    co_return fail(lost);
  }
  auto next = co_await judge(std::move(*answer));
  co_return next;
}

net::Task<Client::Next> Client::judge(auth::Answer answer) {
  attempts_.waiting = Attempts::Waiting::Nothing;
  if (answer.kind == auth::Answer::Kind::Continue) {
    attempts_.waiting = Attempts::Waiting::Client;
    attempts_.waiting_since = Clock::now();
    engine_->challenge(answer.challenge);
    co_return Next::Go;
  }
  if (!answer.user.empty()) user_ = answer.user;
  if (answer.kind == auth::Answer::Kind::Fail) co_return fail(answer);
  auto next = co_await succeed(std::move(answer));
  co_return next;
}

Client::Next Client::fail(const auth::Answer& answer) {
  using Failure = Attempts::Failure;
  attempts_.failure = Failure::None;
  auto refuse = [&](Refusal why, Failure failure, std::string_view text) {
    attempts_.failure = failure;
    engine_->refuse(why, text);
  };
  if (answer.code == ipc::kCodeTempFail) {
    refuse(Refusal::Temporary, Failure::Temporary,
           temporary_failure_text(shared_.settings.hostname));
  } else if (answer.code == ipc::kCodeAuthzFail) {
    refuse(Refusal::Authorization, Failure::Authorization, answer.reason);
  } else if (answer.code == ipc::kCodeUserDisabled) {
    refuse(Refusal::UserDisabled, Failure::UserDisabled, answer.reason);
  } else if (answer.code == ipc::kCodePassExpired) {
    refuse(Refusal::PasswordExpired, Failure::PasswordExpired, answer.reason);
  } else if (answer.code == ipc::kCodeInvalidBase64) {
    refuse(responded_ ? Refusal::InvalidBase64 : Refusal::InvalidInitial,
           Failure::InvalidBase64, answer.reason);
  } else {
    refuse(Refusal::Failed, Failure::None, answer.reason);
  }
  return Next::Go;
}

net::Task<Client::Next> Client::succeed(auth::Answer answer) {
  ++attempts_.successes;
  if (answer.fields.has("proxy") || answer.fields.has("proxy_maybe")) {
    log::error(
        line("proxy: Proxying is not built here: the field proxy of the "
             "password database cannot be obeyed"));
    engine_->refuse(Refusal::Temporary,
                    temporary_failure_text(shared_.settings.hostname));
    co_return Next::Go;
  }
  if (answer.fields.has("nologin")) {
    attempts_.failure = Attempts::Failure::LoginDisabled;
    engine_->refuse(Refusal::LoginDisabled, answer.reason);
    co_return Next::Go;
  }
  bool refused = co_await too_many();
  if (refused) co_return Next::Closed;
  std::string socket(answer.fields.get("postlogin_socket"));
  auto next = co_await hand_over(std::move(socket));
  co_return next;
}

net::Task<bool> Client::too_many() {
  unsigned most = shared_.settings.mail_max_userip_connections;
  if (most == 0 || !shared_.count_connections) co_return false;
  auto ident = fmt::format("{}/{}/{}", shared_.settings.protocol,
                           remote_end_.address.text(), user_);
  auto count = co_await shared_.count_connections(std::move(ident));
  if (!count || *count < most) co_return false;
  auto text = fmt::format(
      "Maximum number of connections from user+IP exceeded "
      "(mail_max_userip_connections={})",
      most);
  engine_->refuse(Refusal::TooMany, text);
  log_disconnect(text, /*with_attempts=*/false);
  bool sent = co_await flush();
  (void)sent;
  co_return true;
}

net::Task<Client::Next> Client::hand_over(std::string socket) {
  if (socket.empty()) {
    const auto& settings = shared_.settings;
    socket =
        settings.mail_socket.empty() ? settings.protocol : settings.mail_socket;
  }
  attempts_.waiting = Attempts::Waiting::MailProcess;
  attempts_.waiting_since = Clock::now();
  bool flushed = co_await flush();
  if (!flushed) co_return Next::Closed;
  ipc::login::Request request;
  request.auth_pid = static_cast<int32_t>(shared_.auth->server_pid());
  request.auth_id = auth_id_;
  request.client_pid = static_cast<uint32_t>(::getpid());
  request.cookie = cookie_bytes(shared_.auth->cookie());
  request.local_ip = local_end_.address;
  request.remote_ip = remote_end_.address;
  request.local_port = local_end_.port;
  request.remote_port = remote_end_.port;
  request.flags = (secured() ? ipc::login::kSecured : 0u) |
                  (tls_ ? ipc::login::kTlsSecured : 0u) |
                  (implicit_tls_ ? ipc::login::kImplicit : 0u);
  request.session = session_;
  request.data = engine_->handoff_prefix();
  auto unread = std::string(engine_->unread()) + std::string(stream_.input());
  auto handed =
      co_await hand_client_on(std::move(socket), std::move(request),
                              std::move(unread), &stream_, tls_, deadline_);
  attempts_.waiting = Attempts::Waiting::Nothing;
  if (!handed) {
    log::error(handed.error().what);
    engine_->refuse(Refusal::Internal, "");
    log_disconnect(fmt::format("Internal login failure (pid={} id={})",
                               ::getpid(), auth_id_),
                   /*with_attempts=*/false);
    bool sent = co_await flush();
    (void)sent;
    co_return Next::Closed;
  }
  mail_pid_ = handed->mail_pid;
  if (std::exchange(waiting_, false)) shared_.waiting.erase(place_);
  log::info(line("Login"));
  if (handed->relay) mail_ = net::Stream(std::move(handed->relay));
  co_return Next::HandedOn;
}

void Client::identify(const Identified& identified) {
  if (!trusted_ || identified_) return;
  identified_ = true;
  auto value_of = [&](std::string_view imap,
                      std::string_view pop3) -> std::optional<std::string> {
    for (auto& [name, value] : identified.fields) {
      if (iequals(name, imap) || iequals(name, pop3)) return value;
    }
    return std::nullopt;
  };
  if (auto text = value_of("x-originating-ip", "ADDR")) {
    if (auto ip = net::IpAddress::parse(*text)) remote_end_.address = *ip;
  }
  if (auto text = value_of("x-originating-port", "PORT")) {
    if (auto port = parse_number<uint16_t>(*text)) remote_end_.port = *port;
  }
  if (auto text = value_of("x-connected-ip", "DESTADDR")) {
    if (auto ip = net::IpAddress::parse(*text)) local_end_.address = *ip;
  }
  if (auto text = value_of("x-connected-port", "DESTPORT")) {
    if (auto port = parse_number<uint16_t>(*text)) local_end_.port = *port;
  }
  if (auto text = value_of("x-session-id", "SESSION")) {
    if (!text->empty() && text->size() <= 128 &&
        text->find_first_of(" <>\t\r\n") == std::string::npos) {
      session_ = *text;
    }
  }
}

}  // namespace mail::login
