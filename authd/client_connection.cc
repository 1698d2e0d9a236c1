#include "authd/client_connection.h"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include "authd/log_lines.h"
#include "common/base/ascii.h"
#include "common/base/base64.h"
#include "common/base/utf8.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"
#include "common/net/within.h"

namespace mail::authd {

using namespace std::chrono_literals;

namespace {

constexpr auto kAttemptTime = 150s;
constexpr size_t kCookieSize = 16;

int64_t now_seconds() { return WallClock::to_time_t(WallClock::now()); }

uint32_t checksum(const Request& request) {
  std::string text = request.user + '\0' + request.password;
  auto out = crc32(0, reinterpret_cast<const Bytef*>(text.data()),
                   static_cast<uInt>(text.size()));
  crypto::wipe(text);
  return static_cast<uint32_t>(out);
}

ClientEngine::Facts facts_of(Server& server, bool login,
                             const std::string& cookie) {
  ClientEngine::Facts out;
  out.pid = static_cast<unsigned>(getpid());
  out.connection = server.next_connection();
  out.cookie = cookie;
  out.mechanisms = server.mechanisms();
  out.login = login;
  return out;
}

}  // namespace

/// One AUTH and what follows of it.
struct ClientConnection::Attempt {
  unsigned id = 0;
  Request request;
  Auth* auth = nullptr;
  std::unique_ptr<sasl::Server> mechanism;
  std::string lower_name;  ///< in log lines: "plain"
  bool certificate_user = false;
  net::Deadline deadline = net::Deadline::in(kAttemptTime);

  bool asked = false;  ///< a CONT of the client is due
  bool cancelled = false, over = false;
  std::optional<std::string> response;  ///< base64
  net::Condition changed;

  std::string penalty_ident;
  Penalties::Penalty penalty;
};

ClientConnection::ClientConnection(Server& server, net::Stream stream,
                                   bool login)
    : server_(server),
      stream_(std::move(stream)),
      login_(login),
      cookie_(crypto::hex(crypto::random_bytes(kCookieSize))),
      engine_(facts_of(server, login, cookie_)) {}

ClientConnection::~ClientConnection() {
  auto at = server_.clients().find(pid_);
  if (at != server_.clients().end() && at->second == this) {
    server_.clients().erase(at);
  }
}

void ClientConnection::debug(std::string_view text) const {
  if (server_.settings().debug) log_lines::debug(text);
}

net::Task<> ClientConnection::serve() {
  send(engine_.greeting());
  while (!closing_ && !writer_.broken()) {
    auto event = engine_.next_event();
    if (event) {
      if (!take(*event)) break;
      continue;
    }
    auto got = co_await stream_.fill(net::Deadline::never());
    if (!got || *got == 0) break;
    engine_.receive(stream_.input());
    stream_.consume(stream_.input().size());
  }
  size_t pending = attempts_.size();
  if (pending > 0) {
    log_lines::error(
        fmt::format("auth client {} disconnected with {} pending requests: EOF",
                    pid_, pending));
  }
  tasks_.clear();
}

bool ClientConnection::take(ClientEngine::Event& event) {
  bool show = server_.settings().debug;
  if (auto* connected = std::get_if<ClientEngine::Connected>(&event)) {
    pid_ = connected->pid;
    debug(fmt::format("auth client connected (pid={})", pid_));
    if (!login_) return true;
    if (!server_.clients().try_emplace(pid_, this).second) {
      log_lines::error(
          fmt::format("BUG: Authentication client gave a PID {} "
                      "of existing connection",
                      pid_));
      return false;
    }
    return true;
  }
  if (auto* broken = std::get_if<ClientEngine::Broken>(&event)) {
    log_lines::error(broken->why);
    return false;
  }
  if (show) {
    debug("client in: " +
          engine_.shown_line(server_.settings().debug_passwords));
  }
  if (auto* auth = std::get_if<ClientEngine::Start>(&event)) {
    return start(auth->auth);
  }
  if (auto* cancel = std::get_if<ClientEngine::Cancel>(&event)) {
    auto at = attempts_.find(cancel->id);
    if (at != attempts_.end()) {
      at->second->cancelled = true;
      at->second->changed.notify_all();
    }
    return true;
  }
  auto& more = std::get<ClientEngine::Continue>(event);
  auto at = attempts_.find(more.id);
  if (at == attempts_.end() || at->second->over || at->second->cancelled) {
    send(fmt::format("FAIL\t{}\treason=Authentication request timed out\n",
                     more.id));
  } else if (!at->second->asked) {
    send(fmt::format("FAIL\t{}\treason=Unexpected continuation\n", more.id));
    at->second->cancelled = true;
    at->second->changed.notify_all();
  } else {
    at->second->asked = false;
    at->second->response = std::move(more.response);
    at->second->changed.notify_all();
  }
  return true;
}

bool ClientConnection::start(ipc::AuthStart& auth) {
  bool offered = false;
  for (const auto& mechanism : server_.mechanisms()) {
    offered = offered || iequals(mechanism.name, auth.mechanism);
  }
  if (!offered) {
    log_lines::error(fmt::format(
        "BUG: Authentication client {} requested unsupported authentication "
        "mechanism {}",
        pid_, printable(auth.mechanism)));
    return false;
  }
  auto [at, is_new] = attempts_.try_emplace(auth.id);
  if (!is_new) {
    log_lines::error(fmt::format(
        "BUG: Authentication client {} sent a duplicate ID {}", pid_, auth.id));
    return false;
  }
  claimable_.erase(auth.id);
  at->second = std::make_unique<Attempt>();
  Attempt& attempt = *at->second;
  attempt.id = auth.id;
  attempt.request.mechanism = upper(auth.mechanism);
  attempt.lower_name = lower(auth.mechanism);
  attempt.request.info = auth.info;
  tasks_.start(run(attempt, std::move(auth)));
  return true;
}

net::Task<> ClientConnection::run(Attempt& attempt, ipc::AuthStart auth) {
  co_await converse(attempt, std::move(auth));
  crypto::wipe(attempt.request.password);
  attempts_.erase(attempt.id);
}

/// Waits for the client's answer to a challenge, without base64. nullopt: the
/// attempt has ended.
net::Task<std::optional<std::string>> ClientConnection::challenge(
    Attempt& attempt, std::string text) {
  attempt.asked = true;
  answer(attempt, fmt::format("CONT\t{}\t{}", attempt.id, base64_encode(text)));
  struct Wait {
    static net::Task<Result<>> until(Attempt* a) {
      while (!a->response && !a->cancelled) co_await a->changed.wait();
      co_return Result<>{};
    }
  };
  auto waited = co_await net::within(attempt.deadline, Wait::until(&attempt));
  attempt.asked = false;
  if (attempt.cancelled) co_return std::nullopt;
  if (!waited || !attempt.response) {
    answer(attempt,
           fmt::format("FAIL\t{}\treason=Authentication request timed out",
                       attempt.id));
    co_return std::nullopt;
  }
  auto decoded = base64_decode(*attempt.response);
  crypto::wipe(*attempt.response);
  attempt.response.reset();
  if (!decoded) {
    co_await invalid_base64(attempt, "continued");
    co_return std::nullopt;
  }
  co_return decoded;
}

net::Task<> ClientConnection::invalid_base64(Attempt& attempt,
                                             std::string_view where) {
  std::string reason = fmt::format("Invalid base64 data in {} response", where);
  log_lines::info(attempt.request.line(attempt.lower_name, reason));
  answer(attempt, fmt::format("FAIL\t{}\tcode={}\treason={}", attempt.id,
                              ipc::kCodeInvalidBase64, reason));
  co_return;
}

/// Anvil's penalty for this address. false: the attempt has ended meanwhile.
net::Task<bool> ClientConnection::hold_back(Attempt& attempt) {
  if (attempt.request.info.no_penalty) co_return true;
  attempt.penalty_ident = Penalties::ident_of(attempt.request.info.remote_ip);
  attempt.penalty = co_await server_.penalties().get(attempt.penalty_ident);
  auto span = Penalties::delay(attempt.penalty);
  if (span > 0s) co_await net::sleep(span);
  co_return !attempt.cancelled;
}

net::Task<> ClientConnection::converse(Attempt& attempt, ipc::AuthStart auth) {
  Request& request = attempt.request;
  auto found = co_await server_.auth_for(request.info.service);
  if (!found) {
    answer(attempt,
           fmt::format("FAIL\t{}\tcode={}", attempt.id, ipc::kCodeTempFail));
    co_return;
  }
  attempt.auth = *found;
  request.settings = attempt.auth->settings();
  const Settings& settings = *request.settings;
  if (settings.require_client_cert && !request.info.valid_client_cert) {
    request.extra.set("reason", "Client didn't present valid SSL certificate");
    co_await fail_with(attempt, PassResult::Mismatch);
    co_return;
  }
  std::optional<std::string> initial;
  if (auth.initial) {
    initial = base64_decode(*auth.initial);
    crypto::wipe(*auth.initial);
    if (!initial) {
      co_await invalid_base64(attempt, "initial");
      co_return;
    }
  }
  bool go_on = co_await hold_back(attempt);
  if (!go_on) co_return;
  if (settings.username_from_cert && request.info.valid_client_cert &&
      !request.info.cert_username.empty()) {
    std::string name = request.info.cert_username;
    bool named = name_user(attempt, name, "", "");
    if (!named) {
      co_await fail_with(attempt, PassResult::Mismatch);
      co_return;
    }
    attempt.certificate_user = true;
    request.original.reset();
  }
  sasl::ServerFacts facts{settings.hostname, now_seconds(), settings.realms};
  attempt.mechanism = sasl::make_server(request.mechanism, facts);
  sasl::Event event = attempt.mechanism->start(
      initial ? std::optional<std::string_view>(*initial) : std::nullopt);
  if (initial) crypto::wipe(*initial);
  while (true) {
    if (auto* more = std::get_if<sasl::Challenge>(&event)) {
      bool named = true;
      if (more->user) named = name_user(attempt, *more->user, "", "");
      if (!named) {
        co_await fail_with(attempt, PassResult::Mismatch);
        co_return;
      }
      auto response = co_await challenge(attempt, std::move(more->text));
      if (!response) co_return;
      event = attempt.mechanism->respond(*response);
      crypto::wipe(*response);
    } else if (auto* need = std::get_if<sasl::NeedCredentials>(&event)) {
      auto next = co_await find_credentials(attempt, *need);
      if (!next) co_return;
      event = std::move(*next);
    } else if (auto* check = std::get_if<sasl::CheckPassword>(&event)) {
      co_await check_password(attempt, *check);
      co_return;
    } else if (auto* anybody = std::get_if<sasl::AcceptedAnonymous>(&event)) {
      co_await anonymous(attempt, anybody->trace);
      co_return;
    } else if (auto* accepted = std::get_if<sasl::Accepted>(&event)) {
      co_await succeed(attempt, std::move(accepted->data));
      co_return;
    } else {
      co_await refuse(attempt, std::get<sasl::Refused>(event).reason);
      co_return;
    }
  }
}

/// Gives the request its name; `what` stands before the complaint about an
/// authzid. false: refused (and logged).
bool ClientConnection::name_user(Attempt& attempt, const std::string& user,
                                 const std::string& authzid,
                                 std::string_view what) {
  Request& request = attempt.request;
  auto complain = [&](std::string_view text) {
    if (log_lines::verbose(request, nullptr)) {
      log_lines::info(request.line(attempt.lower_name, text));
    }
  };
  if (!attempt.certificate_user && !request.user_known) {
    auto named = request.set_user(user);
    if (!named) {
      complain(named.error().what);
      return false;
    }
  }
  if (authzid.empty()) return true;
  auto named = request.set_login_user(authzid);
  if (!named) complain(std::string(what) + named.error().what);
  return static_cast<bool>(named);
}

net::Task<> ClientConnection::check_password(Attempt& attempt,
                                             sasl::CheckPassword& check) {
  Request& request = attempt.request;
  if (request.mechanism == "EXTERNAL" && !attempt.certificate_user) {
    co_await refuse(attempt, "username not known");
    co_return;
  }
  request.password = check.password.reveal();
  bool named = name_user(attempt, check.user, check.authzid, "login user: ");
  if (!named) {
    co_await fail_with(attempt, PassResult::Mismatch);
    co_return;
  }
  PassResult result =
      co_await attempt.auth->authenticate(request, check.password.reveal());
  if (attempt.cancelled) co_return;
  if (result == PassResult::Ok) {
    co_await succeed(attempt, "");
  } else {
    co_await fail_with(attempt, result);
  }
}

net::Task<std::optional<sasl::Event>> ClientConnection::find_credentials(
    Attempt& attempt, const sasl::NeedCredentials& need) {
  bool named = name_user(attempt, need.user, need.authzid, "");
  if (!named) {
    co_await fail_with(attempt, PassResult::Mismatch);
    co_return std::nullopt;
  }
  const sasl::Traits* traits =
      sasl::find_server_mechanism(attempt.request.mechanism);
  auto found =
      co_await attempt.auth->credentials(attempt.request, traits->scheme);
  if (attempt.cancelled) co_return std::nullopt;
  if (found.result != PassResult::Ok) {
    co_await fail_with(attempt, found.result);
    co_return std::nullopt;
  }
  sasl::Event next = attempt.mechanism->credentials(found.raw);
  crypto::wipe(found.raw);
  co_return next;
}

net::Task<> ClientConnection::anonymous(Attempt& attempt,
                                        const std::string& trace) {
  Request& request = attempt.request;
  request.user = trace;
  request.user_known = true;
  if (log_lines::verbose(request, nullptr)) {
    log_lines::info(request.line("anonymous", "login"));
  }
  request.user = request.settings->anonymous_username;
  request.translated = request.user;
  request.original = request.user;
  request.extra.set("anonymous", "");
  co_await succeed(attempt, "");
}

net::Task<> ClientConnection::refuse(Attempt& attempt, std::string reason) {
  if (log_lines::verbose(attempt.request, nullptr)) {
    log_lines::info(attempt.request.line(attempt.lower_name, reason));
  }
  co_await fail_with(attempt, PassResult::Mismatch);
}

net::Task<> ClientConnection::succeed(Attempt& attempt, std::string data) {
  Request& request = attempt.request;
  if (!request.login_user.empty()) {  // mechanisms that prove by themselves
    log_lines::info(
        fmt::format("Master user logging in as {}", request.login_user));
    request.become_login_user();
  }
  std::string final;
  if (!data.empty() && !request.info.final_resp_ok) {
    // The protocol cannot carry data with its OK: one more round.
    auto response = co_await challenge(attempt, std::move(data));
    if (!response) co_return;
  } else if (!data.empty()) {
    final = "\tresp=" + base64_encode(data);
  }
  if (attempt.penalty.value > 0) {
    server_.penalties().reset(attempt.penalty_ident);
  }
  debug(request.line("auth", "Auth request finished"));
  std::string between = request.extra.encode({"nologin", "proxy"});
  if (login_ && request.extra.has("proxy")) {
    if (!request.extra.has("pass") && !request.password.empty()) {
      between += "\tpass=" + ipc::tab_escape(request.password);
    }
    if (!request.master_user.empty() && !request.extra.has("master")) {
      between += "\tmaster=" + ipc::tab_escape(request.master_user);
    }
  }
  answer(attempt,
         fmt::format("OK\t{}{}{}", attempt.id, request.names(between), final));
  if (login_ && !request.extra.has("nologin") && !request.extra.has("proxy")) {
    crypto::wipe(request.password);
    claimable_[attempt.id] = std::make_unique<Request>(std::move(request));
  }
}

net::Task<> ClientConnection::fail_with(Attempt& attempt, PassResult result) {
  Request& request = attempt.request;
  if (result == PassResult::InternalFailure) {
    request.code = ipc::kCodeTempFail;
  } else if (result == PassResult::UserDisabled) {
    request.code = ipc::kCodeUserDisabled;
  } else if (result == PassResult::PassExpired) {
    request.code = ipc::kCodePassExpired;
  }
  debug(request.line("auth", "Auth request finished"));
  if (!request.info.no_penalty && result != PassResult::InternalFailure) {
    server_.penalties().raise(attempt.penalty_ident, checksum(request),
                              std::min(attempt.penalty.value + 1, 4u));
  }
  attempt.over = true;
  if (!request.nodelay) co_await net::sleep(request.settings->failure_delay);
  if (attempt.cancelled) co_return;
  std::string between;
  if (request.nodelay) between = "\tnodelay";
  if (!request.code.empty()) between += fmt::format("\tcode={}", request.code);
  between += request.extra.encode();
  answer(attempt,
         fmt::format("FAIL\t{}{}", attempt.id, request.names(between)));
}

void ClientConnection::answer(Attempt& attempt, std::string line) {
  if (server_.settings().debug) {
    size_t secret = line.find("\tpass=");
    debug("client passdb out: " +
          (secret == std::string::npos || server_.settings().debug_passwords
               ? line
               : line.substr(0, secret) + "\tpass=<hidden>"));
  }
  attempt.over = !line.starts_with("CONT");
  send(line + "\n");
}

void ClientConnection::send(std::string line) { writer_.send(line); }

std::unique_ptr<Request> ClientConnection::claim(unsigned id,
                                                 std::string_view cookie) {
  auto at = claimable_.find(id);
  if (at == claimable_.end() ||
      !crypto::equal_in_constant_time(cookie, cookie_)) {
    return nullptr;
  }
  auto out = std::move(at->second);
  claimable_.erase(at);
  return out;
}

}  // namespace mail::authd
