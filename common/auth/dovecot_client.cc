#include "common/auth/dovecot_client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/net/within.h"

namespace mail::auth {

using namespace std::chrono_literals;

namespace {
constexpr auto kAnswerTime = 300s;
}

Result<SecurityOptions> SecurityOptions::parse(std::string_view list) {
  SecurityOptions out;
  for (std::string_view word : split(list)) {
    if (iequals(word, "noplaintext"))
      out.no_plaintext = true;
    else if (iequals(word, "noanonymous"))
      out.no_anonymous = true;
    else if (iequals(word, "nodictionary"))
      out.no_dictionary = true;
    else if (iequals(word, "noactive"))
      out.no_active = true;
    else if (iequals(word, "forward_secrecy"))
      out.forward_secrecy = true;
    else if (iequals(word, "mutual_auth"))
      out.mutual_auth = true;
    else
      return fail(Fault::Config,
                  fmt::format("unknown SASL security option: {}", word));
  }
  return out;
}

bool SecurityOptions::allow(const Mechanism& m) const {
  return !(no_plaintext && m.plaintext) && !(no_anonymous && m.anonymous) &&
         !(no_dictionary && m.dictionary) && !(no_active && m.active) &&
         !(forward_secrecy && !m.forward_secrecy) &&
         !(mutual_auth && !m.mutual_auth) && !m.is_private;
}

const Mechanism* DovecotClient::find_mechanism(std::string_view name) const {
  for (const auto& mechanism : mechanisms_) {
    if (iequals(mechanism.name, name)) return &mechanism;
  }
  return nullptr;
}

std::string DovecotClient::greeting() const {
  return fmt::format("VERSION\t{}\t{}\nCPID\t{}\n", ipc::kAuthMajor,
                     ipc::kAuthClientMinor, getpid());
}

void DovecotClient::begin_handshake() { collecting_.clear(); }

bool DovecotClient::take_handshake(std::string_view line) {
  if (auto mechanism = ipc::AuthMechanism::parse(line)) {
    collecting_.push_back(std::move(*mechanism));
    return false;
  }
  auto pieces = ipc::tab_split(line);
  if (pieces[0] == "SPID" && pieces.size() > 1)
    server_pid_ = parse_number<unsigned>(pieces[1]).value_or(0);
  if (pieces[0] == "COOKIE" && pieces.size() > 1) cookie_ = pieces[1];
  if (pieces[0] != "DONE") return false;
  mechanisms_ = std::move(collecting_);
  return true;
}

void DovecotClient::lost() {
  mechanisms_.clear();
  pending_.clear();
}

void DovecotClient::take_line(std::string_view line) {
  auto parsed = ipc::AuthAnswer::parse(line);
  if (!parsed) return;
  Answer answer;
  using Kind = ipc::AuthAnswer::Kind;
  answer.kind = parsed->kind == Kind::Ok         ? Answer::Kind::Ok
                : parsed->kind == Kind::Continue ? Answer::Kind::Continue
                                                 : Answer::Kind::Fail;
  answer.challenge = std::move(parsed->challenge);
  answer.user = parsed->fields.get("user");
  answer.reason = parsed->fields.get("reason");
  answer.code = parsed->fields.get("code");
  answer.fields = std::move(parsed->fields);
  answer.words = std::move(parsed->words);
  pending_.answer(parsed->id, std::move(answer));
  notify();
}

net::Task<Result<Answer>> DovecotClient::wait_for(unsigned id) {
  unsigned since = generation();
  while (true) {
    if (since != generation()) {
      co_return fail(Error{Fault::Temporary,
                           "lost connection to authentication server",
                           ECONNRESET});
    }
    if (auto answer = pending_.take(id)) co_return std::move(*answer);
    co_await changed();
  }
}

net::Task<Result<Answer>> DovecotClient::exchange(unsigned id,
                                                  std::string line) {
  pending_.ask(id);
  auto deadline = net::Deadline::in(kAnswerTime);
  auto sent = co_await send(std::move(line), deadline);
  if (!sent) {
    pending_.forget(id);
    co_return fail(sent.error());
  }
  auto answer = co_await net::within(deadline, wait_for(id));
  if (!answer) pending_.forget(id);
  co_return answer;
}

net::Task<Result<DovecotClient::Started>> DovecotClient::start(
    Request request) {
  for (int attempt = 0;; ++attempt) {
    auto connected = co_await connect();
    CO_CHECK(connected);
    Started started;
    started.id = pending_.next_id();
    std::string line =
        fmt::format("AUTH\t{}\t{}{}", started.id, request.mechanism,
                    request.AuthInfo::encode());
    if (request.no_login) line += "\tnologin";
    if (request.initial) {
      line += "\tresp=" + (request.initial->empty() ? "=" : *request.initial);
    }
    auto answer = co_await exchange(started.id, line + "\n");
    if (answer) {
      started.answer = std::move(*answer);
      co_return started;
    }
    // A server that was restarted meanwhile is asked once more.
    if (attempt > 0) co_return fail(answer.error());
  }
}

net::Task<Result<Answer>> DovecotClient::go_on(unsigned id,
                                               std::string response) {
  if (!connected()) {
    co_return fail(Fault::Temporary,
                   "lost connection to authentication server");
  }
  auto answer =
      co_await exchange(id, fmt::format("CONT\t{}\t{}\n", id, response));
  co_return answer;
}

net::Task<> DovecotClient::cancel(unsigned id) {
  pending_.forget(id);
  if (!connected()) co_return;
  auto sent = co_await send(fmt::format("CANCEL\t{}\n", id),
                            net::Deadline::in(kAnswerTime));
  (void)sent;
}

}  // namespace mail::auth
