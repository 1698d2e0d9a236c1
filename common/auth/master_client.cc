#include "common/auth/master_client.h"

#include <fmt/format.h>

#include <cerrno>

#include "common/base/number.h"
#include "common/net/within.h"

namespace mail::auth {

using namespace std::chrono_literals;

namespace {
constexpr auto kUserTime = 150s;
}

std::string MasterClient::greeting() const {
  return fmt::format("VERSION\t{}\t{}\n", ipc::kAuthMajor,
                     ipc::kAuthMasterMinor);
}

bool MasterClient::take_handshake(std::string_view line) {
  auto pieces = ipc::tab_split(line);
  if (pieces[0] != "SPID" || pieces.size() < 2) return false;
  server_pid_ = parse_number<unsigned>(pieces[1]).value_or(0);
  return true;
}

void MasterClient::lost() {
  pending_.clear();
  lists_.clear();
}

void MasterClient::take_line(std::string_view line) {
  auto pieces = ipc::tab_split(line);
  if (pieces.size() < 2) return;
  auto id = parse_number<unsigned>(pieces[1]);
  if (!id || !pending_.waits(*id)) return;
  Reply reply;
  if (pieces[0] == "LIST") {
    if (pieces.size() > 2) {
      lists_[*id].users.push_back(ipc::tab_unescape(pieces[2]));
    }
    return;
  }
  if (pieces[0] == "DONE") {
    reply.listed = std::move(lists_[*id]);
    lists_.erase(*id);
    reply.listed.complete = pieces.size() < 3 || pieces[2] != "fail";
  } else if (pieces[0] == "OK") {
    reply.flushed =
        pieces.size() > 2 ? parse_number<unsigned>(pieces[2]).value_or(0) : 0;
  } else if (auto answer = ipc::UserAnswer::parse(line)) {
    reply.user = std::move(*answer);
  } else {
    return;
  }
  pending_.answer(*id, std::move(reply));
  notify();
}

net::Task<Result<MasterClient::Reply>> MasterClient::wait_for(unsigned id) {
  unsigned since = generation();
  while (true) {
    if (since != generation()) {
      co_return fail(Error{Fault::Temporary,
                           "lost connection to authentication server",
                           ECONNRESET});
    }
    if (auto reply = pending_.take(id)) co_return std::move(*reply);
    co_await changed();
  }
}

net::Task<Result<MasterClient::Reply>> MasterClient::exchange(
    unsigned id, std::string line) {
  auto connected = co_await connect();
  CO_CHECK(connected);
  pending_.ask(id);
  auto deadline = net::Deadline::in(kUserTime);
  auto sent = co_await send(std::move(line), deadline);
  if (!sent) {
    pending_.forget(id);
    co_return fail(sent.error());
  }
  auto reply = co_await net::within(deadline, wait_for(id));
  if (!reply) pending_.forget(id);
  co_return reply;
}

net::Task<Result<ipc::UserAnswer>> MasterClient::ask(std::string command,
                                                     std::string name,
                                                     ipc::AuthInfo info) {
  unsigned id = pending_.next_id();
  std::string line = fmt::format("{}\t{}\t{}{}\n", command, id,
                                 ipc::tab_escape(name), info.encode());
  auto reply = co_await exchange(id, std::move(line));
  CO_CHECK(reply);
  co_return std::move(reply->user);
}

net::Task<Result<ipc::UserAnswer>> MasterClient::user(std::string name,
                                                      ipc::AuthInfo info) {
  auto answer = co_await ask("USER", std::move(name), std::move(info));
  co_return answer;
}

net::Task<Result<ipc::UserAnswer>> MasterClient::pass(std::string name,
                                                      ipc::AuthInfo info) {
  auto answer = co_await ask("PASS", std::move(name), std::move(info));
  co_return answer;
}

net::Task<Result<ipc::UserAnswer>> MasterClient::request(
    ipc::AuthCookieRequest cookie) {
  unsigned id = pending_.next_id();
  std::string line = fmt::format("REQUEST\t{}\t{}\t{}\t{}\tsession_pid={}", id,
                                 cookie.client_pid, cookie.auth_id,
                                 cookie.cookie, cookie.session_pid);
  if (cookie.want_token) line += "\trequest_auth_token";
  auto reply = co_await exchange(id, line + "\n");
  CO_CHECK(reply);
  co_return std::move(reply->user);
}

net::Task<Result<MasterClient::Listed>> MasterClient::list(std::string mask,
                                                           ipc::AuthInfo info) {
  unsigned id = pending_.next_id();
  std::string line = fmt::format("LIST\t{}", id);
  if (!info.service.empty()) line += info.encode();
  if (!mask.empty()) line += "\tuser=" + ipc::tab_escape(mask);
  auto reply = co_await exchange(id, line + "\n");
  CO_CHECK(reply);
  co_return std::move(reply->listed);
}

net::Task<Result<unsigned>> MasterClient::flush_cache(
    std::vector<std::string> users) {
  unsigned id = pending_.next_id();
  std::string line = fmt::format("CACHE-FLUSH\t{}", id);
  for (const auto& user : users) line += "\t" + ipc::tab_escape(user);
  auto reply = co_await exchange(id, line + "\n");
  CO_CHECK(reply);
  co_return reply->flushed;
}

}  // namespace mail::auth
