#include "authd/worker_pool.h"

#include <fmt/format.h>

#include "authd/log_lines.h"
#include "common/crypto/secret.h"
#include "common/daemon/service.h"
#include "common/net/listener.h"
#include "common/sasl/password.h"

namespace mail::authd {

using namespace std::chrono_literals;

namespace {

constexpr auto kAnswerTime = 60s;
constexpr auto kIdleTime = 60s;

}  // namespace

WorkerPool::WorkerPool(std::string path, unsigned limit, std::string hash)
    : path_(std::move(path)), limit_(limit), hash_(std::move(hash)) {}
WorkerPool::~WorkerPool() = default;

void WorkerPool::failed(const Error& error) {
  if (Clock::now() < complained_) return;
  complained_ = Clock::now() + 10s;
  log_lines::error(fmt::format("auth worker: {} ({})", error.what, path_));
}

net::Task<Result<std::unique_ptr<WorkerPool::Connection>>> WorkerPool::take() {
  auto deadline = net::Deadline::in(kAnswerTime);
  while (idle_.empty() && open_ >= limit_) {
    if (deadline.passed()) {
      co_return fail(Fault::Temporary, "all workers are busy");
    }
    co_await changed_.wait();
  }
  if (!idle_.empty()) {
    auto out = std::move(idle_.front());  // used last: its pages are warm
    idle_.pop_front();
    co_return out;
  }
  ++open_;
  auto fd = co_await net::connect_unix(path_, deadline);
  if (!fd) {
    --open_;
    changed_.notify_one();
    co_return fail(fd.error());
  }
  auto out = std::make_unique<Connection>();
  out->stream = net::Stream(std::move(*fd));
  out->stream.write(
      fmt::format("VERSION\tpostcote-auth-worker\t1\t{}\n", hash_));
  co_return out;
}

void WorkerPool::give_back(std::unique_ptr<Connection> connection) {
  if (connection) {
    connection->idle_since = Clock::now();
    idle_.push_front(std::move(connection));
  } else {
    --open_;
  }
  // One stays for ever; the others end when they are not needed.
  while (idle_.size() > 1 &&
         Clock::now() - idle_.back()->idle_since > kIdleTime) {
    idle_.pop_back();
    --open_;
  }
  changed_.notify_one();
}

net::Task<Result<WorkerPool::Lines>> WorkerPool::converse(
    Connection& connection, std::string line, unsigned id) {
  auto deadline = net::Deadline::in(kAnswerTime);
  net::Stream& stream = connection.stream;
  stream.write(line);
  crypto::wipe(line);
  auto sent = co_await stream.flush(deadline);
  CO_CHECK(sent);
  std::string number = fmt::format("{}\t", id);
  Lines out;
  while (true) {
    size_t end = stream.input().find('\n');
    if (end == std::string_view::npos) {
      if (stream.input().size() > kWorkerLine) {
        co_return fail(Fault::Protocol, "a worker's line is too long");
      }
      auto got = co_await stream.fill(deadline);
      CO_CHECK(got);
      if (*got == 0) co_return fail(Fault::Temporary, "a worker has ended");
      continue;
    }
    std::string_view reply = stream.input().substr(0, end);
    if (!reply.starts_with(number)) {
      co_return fail(Fault::Protocol, "a worker answers something else");
    }
    reply.remove_prefix(number.size());
    bool more = reply.starts_with("*\t");
    out.emplace_back(reply);
    stream.consume(end + 1);
    if (!more) co_return out;
  }
}

net::Task<Result<WorkerPool::Lines>> WorkerPool::ask(WorkerQuestion question) {
  question.id = next_id_++;
  // A worker that ended meanwhile (a new configuration) is replaced once.
  for (int attempt = 0;; ++attempt) {
    auto connection = co_await take();
    if (!connection) {
      failed(connection.error());
      co_return fail(connection.error());
    }
    std::string line = question.encode();
    auto out = co_await converse(**connection, std::move(line), question.id);
    if (out) {
      give_back(std::move(*connection));
      crypto::wipe(question.password);
      co_return out;
    }
    give_back(nullptr);
    if (attempt > 0) {
      failed(out.error());
      crypto::wipe(question.password);
      co_return fail(out.error());
    }
  }
}

net::Task<Result<bool>> WorkerPool::verify_hash(std::string scheme,
                                                std::string raw,
                                                std::string password,
                                                std::string user) {
  if (!sasl::is_slow(scheme)) {
    co_return sasl::verify_password(scheme, raw, password, user);
  }
  std::function<Result<bool>()> job =
      [scheme = std::move(scheme), raw = std::move(raw),
       password = std::move(password), user = std::move(user)]() mutable {
        auto out = sasl::verify_password(scheme, raw, password, user);
        crypto::wipe(password);
        return out;
      };
  auto out = co_await daemon::run_blocking<Result<bool>>(std::move(job));
  co_return out;
}

net::Task<> WorkerPool::check(Passdb& passdb, const Request& request,
                              PassAnswer& answer, std::string_view password) {
  auto raw = prepare_check(passdb, request, answer, password);
  if (!raw) co_return;
  auto verdict =
      co_await verify_hash(answer.scheme, std::move(*raw),
                           std::string(password), request.translated);
  conclude_check(passdb, request, answer, verdict, password);
}

net::Task<PassAnswer> WorkerPool::verify(Passdb& passdb, const Request& request,
                                         std::string_view password) {
  PassAnswer answer;
  if (!passdb.blocking()) {
    answer = passdb.look_up(request);
    if (answer.result == PassResult::Ok) {
      co_await check(passdb, request, answer, password);
    }
    co_return answer;
  }
  WorkerQuestion question{WorkerQuestion::Kind::Verify, 0, passdb.id(),
                          std::string(password), request};
  auto lines = co_await ask(std::move(question));
  if (lines) answer = read_pass_answer(lines->back());
  co_return answer;
}

net::Task<PassAnswer> WorkerPool::look_up(Passdb& passdb,
                                          const Request& request) {
  PassAnswer answer;
  if (!passdb.blocking()) {
    answer = passdb.look_up(request);
    co_return answer;
  }
  WorkerQuestion question{WorkerQuestion::Kind::LookUpPass, 0, passdb.id(), "",
                          request};
  auto lines = co_await ask(std::move(question));
  if (lines) answer = read_pass_answer(lines->back());
  co_return answer;
}

net::Task<UserAnswer> WorkerPool::look_up(Userdb& userdb,
                                          const Request& request) {
  UserAnswer answer;
  if (!userdb.blocking()) {
    answer = userdb.look_up(request);
    co_return answer;
  }
  WorkerQuestion question{WorkerQuestion::Kind::LookUpUser, 0, userdb.id(), "",
                          request};
  auto lines = co_await ask(std::move(question));
  if (lines) answer = read_user_answer(lines->back());
  co_return answer;
}

net::Task<Calls::Listed> WorkerPool::list(Userdb& userdb,
                                          const Request& request) {
  Listed out;
  if (!userdb.blocking()) {
    out.complete = userdb.list(
        request, [&](std::string_view name) { out.users.emplace_back(name); });
    co_return out;
  }
  WorkerQuestion question{WorkerQuestion::Kind::List, 0, userdb.id(), "",
                          request};
  auto lines = co_await ask(std::move(question));
  if (!lines) co_return out;
  for (const auto& line : *lines) {
    if (line.starts_with("*\t")) {
      out.users.push_back(ipc::tab_unescape(line.substr(2)));
    } else {
      out.complete = line == "ok";
    }
  }
  co_return out;
}

}  // namespace mail::authd
