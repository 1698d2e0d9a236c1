#include "authd/worker.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include "authd/client_engine.h"
#include "authd/log_lines.h"
#include "authd/server.h"
#include "common/crypto/secret.h"

namespace mail::authd {

using namespace std::chrono_literals;

namespace {

constexpr auto kWriteTime = 60s;
constexpr std::string_view kKinds[] = {"PASSV", "PASSL", "USER", "LIST"};

std::string peer_of(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return "conn unix:auth-worker: ";
  }
  return fmt::format("conn unix:auth-worker (pid={},uid={}): ", peer.pid,
                     peer.uid);
}

}  // namespace

Result<> WorkerService::open(daemon::DovecotContext& context) {
  context_ = &context;
  settings_ = read_settings(*context.settings, context);
  auth_ = TRY(Auth::make(settings_));
  return {};
}

bool WorkerService::greet(std::string_view line) const {
  auto pieces = ipc::tab_split(line);
  if (pieces.size() == 4 && pieces[0] == "VERSION" &&
      pieces[1] == "postcote-auth-worker" && pieces[2] == "1") {
    // The databases of another configuration: auth will find a newer worker.
    return pieces[3] == databases_hash(*settings_);
  }
  log_lines::error(
      "Authentication server not compatible with this client (mixed old and "
      "new binaries?)");
  return false;
}

net::Task<Result<Auth*>> WorkerService::auth_for(const std::string& service) {
  auto at = by_protocol_.find(service);
  if (at == by_protocol_.end()) {
    config::dovecot::Context wanted;
    wanted.service = service;
    auto found = co_await daemon::settings_for(wanted);
    CO_CHECK(found);
    auto settings = read_settings(**found, *context_);
    std::unique_ptr<Auth> made;
    if (*settings != *settings_) {
      auto own = Auth::make(settings);
      CO_CHECK(own);
      made = std::move(*own);
    }
    at = by_protocol_.try_emplace(service, std::move(made)).first;
  }
  co_return at->second ? at->second.get() : auth_.get();
}

net::Task<> WorkerService::serve(net::Stream stream,
                                 daemon::DovecotConnection) {
  LineReader lines(kWorkerLine);
  std::string peer = peer_of(stream.fd());
  bool greeted = false;
  while (true) {
    auto line = lines.next();
    if (!line) {
      if (lines.too_long()) co_return;
      auto got = co_await stream.fill(net::Deadline::never());
      if (!got || *got == 0) co_return;
      lines.receive(stream.input());
      stream.consume(stream.input().size());
      continue;
    }
    if (!greeted) {
      greeted = greet(*line);
      if (!greeted) co_return;
      continue;
    }
    auto question = WorkerQuestion::parse(*line);
    crypto::wipe(*line);
    if (!question) co_return;
    log_lines::set_context(
        fmt::format("{}auth-worker<{}>: ", peer, question->id));
    std::string reply = co_await answer(std::move(*question));
    log_lines::set_context("");
    stream.write(reply);
    crypto::wipe(reply);
    auto sent = co_await stream.flush(net::Deadline::in(kWriteTime));
    if (!sent) co_return;
  }
}

net::Task<std::string> WorkerService::answer(WorkerQuestion question) {
  using Kind = WorkerQuestion::Kind;
  Request& request = question.request;
  PassAnswer pass;
  UserAnswer user;
  auto auth = co_await auth_for(request.info.service);
  Passdb* passdb = auth ? (*auth)->passdb(question.database) : nullptr;
  Userdb* userdb = auth ? (*auth)->userdb(question.database) : nullptr;
  request.settings = auth ? (*auth)->settings() : settings_;
  bool show = request.settings->debug;
  if (show) {
    log_lines::debug(fmt::format("Handling {} request",
                                 kKinds[static_cast<size_t>(question.kind)]));
  }
  std::string_view name = passdb && question.kind <= Kind::LookUpPass
                              ? passdb->log_name()
                          : userdb ? userdb->log_name()
                                   : std::string_view("auth");
  auto note = [&](std::string_view what) {
    if (!show) return;
    log_lines::debug(request.line(
        name,
        fmt::format("{} {}db lookup", what,
                    question.kind <= Kind::LookUpPass ? "pass" : "user")));
  };
  note("Performing");
  std::string out;
  std::string_view outcome;
  if (question.kind == Kind::Verify || question.kind == Kind::LookUpPass) {
    if (passdb && question.kind == Kind::Verify) {
      request.password = question.password;
      pass = passdb->verify(request, question.password);
      crypto::wipe(request.password);
    } else if (passdb) {
      pass = passdb->look_up(request);
    }
    outcome = word(pass.result);
    out = encode_answer(question.id, pass);
    if (pass.stored) crypto::wipe(*pass.stored);
  } else if (question.kind == Kind::LookUpUser) {
    if (userdb) user = userdb->look_up(request);
    outcome = word(user.result);
    out = encode_answer(question.id, user);
  } else {
    bool complete =
        userdb && userdb->list(request, [&](std::string_view user_name) {
          out += fmt::format("{}\t*\t{}\n", question.id,
                             ipc::tab_escape(user_name));
        });
    outcome = complete ? "ok" : "internal";
    out += fmt::format("{}\t{}\n", question.id, outcome);
  }
  note("Finished");
  crypto::wipe(question.password);
  if (show) {
    log_lines::debug(outcome == "ok" ? std::string("Finished")
                                     : fmt::format("Finished: {}", outcome));
  }
  co_return out;
}

}  // namespace mail::authd
