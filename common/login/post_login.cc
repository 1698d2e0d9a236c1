#include "common/login/post_login.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/login/anvil_client.h"

namespace mail::login {
namespace {

constexpr std::chrono::seconds kReplyTime{30};

std::string hex(const std::array<uint8_t, 16>& bytes) {
  std::string out;
  for (auto byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

net::Task<bool> reply(net::Descriptor* connection, uint32_t tag,
                      uint32_t status, pid_t pid) {
  auto wire = encode(ipc::login::Reply{tag, status, pid});
  auto sent = co_await net::send_passing(*connection, wire, -1,
                                         net::Deadline::in(kReplyTime));
  co_return sent.has_value();
}

}  // namespace

net::Task<> PostLogin::serve(net::Stream stream) {
  net::TaskSet sessions;
  co_await take_all(std::move(stream), &sessions);
  co_await sessions.drained();
}

net::Task<> PostLogin::take_all(net::Stream stream, net::TaskSet* sessions) {
  net::Descriptor connection(stream.release());
  while (true) {
    auto arrival =
        co_await ipc::login::receive(connection, net::Deadline::never());
    if (!arrival) {
      if (arrival.error().sys != ECONNRESET) log::error(arrival.error().what);
      co_return;
    }
    bool go_on = co_await take(&connection, std::move(*arrival), sessions);
    if (!go_on) co_return;
  }
}

net::Task<bool> PostLogin::take(net::Descriptor* connection,
                                ipc::login::Arrival arrival,
                                net::TaskSet* sessions) {
  SessionStart start;
  start.request = std::move(arrival.request);
  uint32_t tag = start.request.tag;
  ipc::AuthCookieRequest cookie;
  cookie.client_pid = start.request.client_pid;
  cookie.auth_id = start.request.auth_id;
  cookie.cookie = hex(start.request.cookie);
  cookie.session_pid = static_cast<uint32_t>(::getpid());
  auto answer = co_await auth_.request(std::move(cookie));
  if (!answer || answer->kind != ipc::UserAnswer::Kind::Found) {
    std::string why = !answer ? answer.error().what
                      : answer->kind == ipc::UserAnswer::Kind::NotFound
                          ? "Auth request was not found (timed out?)"
                          : fmt::format("Auth request failed: {}",
                                        answer->fields.get("reason"));
    log::error(why);
    bool told = co_await reply(connection, tag, 1, ::getpid());
    co_return told;
  }
  start.user = answer->user;
  start.fields = std::move(answer->fields);
  auto who = hooks_.identity(start);
  Result<pid_t> pid = who ? workers_.prepare(*who)
                          : Result<pid_t>(fail(std::move(who.error())));
  // The login has succeeded; that the mail cannot be had is a later failure.
  bool told = co_await reply(connection, tag, 0, pid ? *pid : ::getpid());
  if (!pid) {
    hooks_.log_error(start, pid.error().what);
    auto apology = hooks_.apology(start);
    [[maybe_unused]] auto n =
        ::send(arrival.client.get(), apology.data(), apology.size(),
               MSG_NOSIGNAL | MSG_DONTWAIT);
    co_return told;
  }
  sessions->start(follow(std::move(*who), *pid, std::move(arrival.client),
                         std::move(start)));
  co_return told;
}

net::Task<> PostLogin::follow(daemon::Identity who, pid_t pid, UniqueFd client,
                              SessionStart start) {
  auto ident =
      anvil_ident(service_, start.request.remote_ip.text(), start.user);
  hooks_.tell_anvil(fmt::format("CONNECT\t{}\t{}\n", pid, ident));
  auto ended =
      co_await workers_.call(std::move(who), std::move(client), encode(start));
  hooks_.tell_anvil(fmt::format("DISCONNECT\t{}\t{}\n", pid, ident));
  if (!ended) hooks_.log_error(start, ended.error().what);
}

}  // namespace mail::login
