#include "common/auth/channel.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/number.h"
#include "common/ipc/dovecot_auth.h"
#include "common/net/listener.h"
#include "common/net/within.h"

namespace mail::auth {

using namespace std::chrono_literals;

namespace {

constexpr auto kHandshakeTime = 10s;

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

Channel::Channel(std::string path, net::TaskSet& tasks)
    : path_(std::move(path)), tasks_(tasks) {
  if (path_.starts_with("unix:")) path_.erase(0, 5);
}

net::Task<Result<>> Channel::connect() {
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

net::Task<Result<>> Channel::open() {
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
  begin_handshake();
  auto shaken = co_await shake_hands(deadline);
  CO_CHECK(shaken);
  ready_ = true;
  tasks_.start(read_answers());
  co_return Result<>{};
}

net::Task<Result<>> Channel::shake_hands(net::Deadline deadline) {
  stream_.write(greeting());
  auto sent = co_await stream_.flush(deadline);
  CO_CHECK(sent);
  bool over = false;
  while (!over) {
    size_t end = stream_.input().find('\n');
    if (end != std::string_view::npos) {
      std::string line(stream_.input().substr(0, end));
      stream_.consume(end + 1);
      over = take_handshake(line);
      continue;
    }
    auto got = co_await stream_.fill(deadline);
    CO_CHECK(got);
    if (*got == 0 || stream_.input().size() > ipc::kAuthAnswerLine) {
      co_return fail(Fault::Protocol,
                     fmt::format("SASL: '{}' does not speak the Dovecot auth "
                                 "protocol",
                                 path_));
    }
  }
  co_return Result<>{};
}

/// Reads for all tasks; each waits until its own answer is there.
net::Task<> Channel::read_answers() {
  while (true) {
    size_t end = stream_.input().find('\n');
    if (end != std::string_view::npos) {
      take_line(stream_.input().substr(0, end));
      stream_.consume(end + 1);
      continue;
    }
    if (stream_.input().size() > ipc::kAuthAnswerLine) break;
    auto got = co_await stream_.fill(net::Deadline::never());
    if (!got || *got == 0) break;
  }
  stream_.close();
  ready_ = false;
  ++generation_;
  lost();
  changed_.notify_all();
}

net::Task<Result<>> Channel::send(std::string line, net::Deadline deadline) {
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
  co_return sent;
}

}  // namespace mail::auth
