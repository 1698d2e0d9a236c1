#include "common/auth/dovecot_client.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/net/listener.h"
#include "common/net/within.h"

namespace mail::auth {

using namespace std::chrono_literals;

namespace {

constexpr auto kAnswerTime = 300s;
constexpr auto kHandshakeTime = 10s;
constexpr size_t kLineLimit = 16384;

/// What the administrator can do about a socket that cannot be used.
std::string remedy(const std::string& path, int error) {
  if (error == ENOENT || error == ECONNREFUSED) {
    return fmt::format(
        "is the authentication server running, and is {} a "
        "unix_listener of its service auth?",
        path);
  }
  if (error != EACCES) return "try again later";
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return "check the directory's owner";
  return fmt::format(
      "mode is {:04o}, owner {}:{}, we are {}:{}: let the "
      "listener have mode = 0660, user = postfix, group = "
      "postfix",
      info.st_mode & 07777, info.st_uid, info.st_gid, geteuid(), getegid());
}

}  // namespace

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

DovecotClient::DovecotClient(std::string path, net::TaskSet& tasks)
    : path_(std::move(path)), tasks_(tasks) {
  if (path_.starts_with("unix:")) path_.erase(0, 5);
}

DovecotClient::~DovecotClient() = default;

void DovecotClient::broken() {
  ready_ = false;
  ++generation_;
  mechanisms_.clear();
  waiting_.clear();
  changed_.notify_all();
}

net::Task<Result<>> DovecotClient::connect() {
  if (ready_) co_return Result<>{};
  auto deadline = net::Deadline::in(kHandshakeTime);
  if (!connecting_) {
    if (Clock::now() < not_before_) {
      co_return fail(Fault::Temporary, failure_);
    }
    connecting_ = true;
    auto opened = co_await net::within(deadline, open());
    connecting_ = false;
    if (!opened) {
      not_before_ = Clock::now() + 1s;
      if (opened.error().sys == ETIMEDOUT) {
        failure_ = fmt::format(
            "SASL: Connect to Dovecot auth socket '{}' "
            "failed: no greeting within 10 seconds",
            path_);
      } else {
        failure_ = opened.error().what;
      }
      stream_.close();
    }
    changed_.notify_all();
    if (!opened) co_return fail(Fault::Temporary, failure_);
    co_return Result<>{};
  }
  while (connecting_ && !deadline.passed()) co_await changed_.wait();
  if (ready_) co_return Result<>{};
  co_return fail(Fault::Temporary, failure_);
}

net::Task<Result<>> DovecotClient::open() {
  auto deadline = net::Deadline::in(kHandshakeTime);
  net::Endpoint where;
  where.path = path_;
  if (path_.starts_with("inet:")) {
    size_t colon = path_.rfind(':');
    auto address = net::IpAddress::parse(
        std::string_view(path_).substr(5, colon > 5 ? colon - 5 : 0));
    auto port =
        parse_number<uint16_t>(std::string_view(path_).substr(colon + 1));
    if (!address || !port) {
      co_return fail(Fault::Config, "bad authentication server: " + path_);
    }
    where.path.clear();
    where.address = *address;
    where.port = *port;
  }
  auto fd = co_await net::connect_to(where, deadline);
  if (!fd) {
    int error = fd.error().sys;
    co_return fail(Error{
        Fault::Temporary,
        fmt::format("SASL: Connect to Dovecot auth socket '{}' failed: {} ({})",
                    path_, strerror(error), remedy(path_, error)),
        error});
  }
  stream_ = net::Stream(std::move(*fd));
  collecting_.clear();
  greeted_ = false;
  stream_.write(fmt::format("VERSION\t1\t0\nCPID\t{}\n", getpid()));
  auto sent = co_await stream_.flush(deadline);
  CO_CHECK(sent);
  while (!greeted_) {
    size_t end = stream_.input().find('\n');
    if (end != std::string_view::npos) {
      std::string line(stream_.input().substr(0, end));
      stream_.consume(end + 1);
      take_handshake(line);
      continue;
    }
    auto got = co_await stream_.fill(deadline);
    CO_CHECK(got);
    if (*got == 0 || stream_.input().size() > kLineLimit) {
      co_return fail(Fault::Protocol,
                     fmt::format("SASL: '{}' does not speak the Dovecot auth "
                                 "protocol",
                                 path_));
    }
  }
  mechanisms_ = std::move(collecting_);
  ready_ = true;
  tasks_.start(read_answers());
  co_return Result<>{};
}

void DovecotClient::take_handshake(std::string_view line) {
  auto fields = split_exact(line, '\t');
  if (fields[0] == "DONE") greeted_ = true;
  if (fields[0] != "MECH" || fields.size() < 2) return;
  Mechanism m;
  m.name = fields[1];
  for (size_t i = 2; i < fields.size(); ++i) {
    if (fields[i] == "plaintext") m.plaintext = true;
    if (fields[i] == "anonymous") m.anonymous = true;
    if (fields[i] == "dictionary") m.dictionary = true;
    if (fields[i] == "active") m.active = true;
    if (fields[i] == "forward-secrecy") m.forward_secrecy = true;
    if (fields[i] == "mutual-auth") m.mutual_auth = true;
    if (fields[i] == "private") m.is_private = true;
  }
  collecting_.push_back(std::move(m));
}

/// Reads for all attempts; each waits until its own answer is there.
net::Task<> DovecotClient::read_answers() {
  while (true) {
    size_t end = stream_.input().find('\n');
    if (end != std::string_view::npos) {
      take_line(stream_.input().substr(0, end));
      stream_.consume(end + 1);
      continue;
    }
    if (stream_.input().size() > kLineLimit) break;
    auto got = co_await stream_.fill(net::Deadline::never());
    if (!got || *got == 0) break;
  }
  stream_.close();
  broken();
}

void DovecotClient::take_line(std::string_view line) {
  auto fields = split_exact(line, '\t');
  if (fields.size() < 2) return;
  auto id = parse_number<unsigned>(fields[1]);
  auto at = id ? waiting_.find(*id) : waiting_.end();
  if (at == waiting_.end()) return;  // of an attempt that was given up
  Answer answer;
  if (fields[0] == "OK")
    answer.kind = Answer::Kind::Ok;
  else if (fields[0] == "CONT")
    answer.kind = Answer::Kind::Continue;
  else if (fields[0] != "FAIL")
    return;
  if (answer.kind == Answer::Kind::Continue && fields.size() > 2) {
    answer.challenge = fields[2];
  }
  for (size_t i = 2; i < fields.size(); ++i) {
    if (fields[i].starts_with("user=")) answer.user = fields[i].substr(5);
    if (fields[i].starts_with("reason=")) answer.reason = fields[i].substr(7);
  }
  at->second = std::move(answer);
  changed_.notify_all();
}

net::Task<Result<Answer>> DovecotClient::wait_for(unsigned id) {
  unsigned generation = generation_;
  while (true) {
    if (generation != generation_) {
      co_return fail(Error{Fault::Temporary,
                           "lost connection to authentication server",
                           ECONNRESET});
    }
    auto at = waiting_.find(id);
    if (at != waiting_.end() && at->second) {
      Answer answer = std::move(*at->second);
      waiting_.erase(at);
      co_return answer;
    }
    co_await changed_.wait();
  }
}

net::Task<Result<Answer>> DovecotClient::exchange(unsigned id,
                                                  std::string line) {
  waiting_[id] = std::nullopt;
  auto deadline = net::Deadline::in(kAnswerTime);
  // One writer at a time: what others append meanwhile goes with the next.
  stream_.write(line);
  Result<> sent;
  if (!writing_) {
    writing_ = true;
    while (sent && stream_ && !stream_.output().empty()) {
      sent = co_await stream_.flush(deadline);
    }
    writing_ = false;
  }
  if (!sent) {
    waiting_.erase(id);
    co_return fail(sent.error());
  }
  auto answer = co_await net::within(deadline, wait_for(id));
  if (!answer) waiting_.erase(id);
  co_return answer;
}

net::Task<Result<DovecotClient::Started>> DovecotClient::start(
    Request request) {
  for (int attempt = 0;; ++attempt) {
    auto connected = co_await connect();
    CO_CHECK(connected);
    Started started;
    started.id = next_id_++;
    std::string line =
        fmt::format("AUTH\t{}\t{}\tservice={}\tnologin", started.id,
                    request.mechanism, request.service);
    if (!request.local_ip.empty()) line += "\tlip=" + request.local_ip;
    if (!request.remote_ip.empty()) line += "\trip=" + request.remote_ip;
    if (request.secured) line += "\tsecured";
    if (request.initial) line += "\tresp=" + *request.initial;
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
  if (!ready_) {
    co_return fail(Fault::Temporary,
                   "lost connection to authentication server");
  }
  auto answer =
      co_await exchange(id, fmt::format("CONT\t{}\t{}\n", id, response));
  co_return answer;
}

}  // namespace mail::auth
