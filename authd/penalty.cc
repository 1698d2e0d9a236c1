#include "authd/penalty.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/ipc/dovecot_anvil.h"
#include "common/net/address.h"
#include "common/net/listener.h"

namespace mail::authd {

using namespace std::chrono_literals;

namespace {
constexpr auto kAnvilTime = 5s;
constexpr std::chrono::seconds kDelays[] = {0s, 4s, 8s, 15s, 15s};
constexpr unsigned kForgetSeconds = 2 + 4 + 8 + 15;
constexpr unsigned kIpv6Bits = 48;
constexpr auto kCleanTime = 1s;
constexpr size_t kMostClean = 4096;
}  // namespace

std::string Penalties::ident_of(std::string_view address) {
  auto parsed = net::IpAddress::parse(address);
  if (!parsed) return "";
  return parsed->is_v6() ? parsed->masked(kIpv6Bits).text() : parsed->text();
}

std::chrono::seconds Penalties::delay(const Penalty& penalty) {
  return kDelays[std::min<size_t>(penalty.value, std::size(kDelays) - 1)];
}

void Penalties::connect_early() {
  net::Endpoint where;
  where.path = path_;
  sockaddr_storage address{};
  auto size = where.to_sockaddr(address);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!size || !fd) return;
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), *size) == 0) {
    early_ = std::move(fd);
  }
}

net::Task<Result<>> Penalties::connect() {
  if (stream_) co_return Result<>{};
  if (early_) {
    stream_ = net::Stream(std::move(early_));
  } else {
    if (Clock::now() < not_before_) co_return fail(Fault::Temporary, "");
    auto fd = co_await net::connect_unix(path_, net::Deadline::in(kAnvilTime));
    if (!fd) {
      not_before_ = Clock::now() + 1s;
      co_return fail(fd.error());
    }
    stream_ = net::Stream(std::move(*fd));
  }
  stream_.write(ipc::kDovecotAnvilGreeting);
  stream_.write(fmt::format("PENALTY-SET-EXPIRE-SECS\t{}\n", kForgetSeconds));
  co_return Result<>{};
}

net::Task<Result<std::string>> Penalties::ask(std::string line) {
  // Answers have no numbers: one question at a time.
  while (busy_) co_await changed_.wait();
  busy_ = true;
  auto deadline = net::Deadline::in(kAnvilTime);
  Result<std::string> out = fail(Fault::Temporary, "");
  auto connected = co_await connect();
  if (connected) {
    stream_.write(line);
    while (writing_) co_await changed_.wait();
    auto sent = co_await stream_.flush(deadline);
    bool more = static_cast<bool>(sent);
    while (more) {
      size_t end = stream_.input().find('\n');
      if (end != std::string_view::npos) {
        out = std::string(stream_.input().substr(0, end));
        stream_.consume(end + 1);
        break;
      }
      auto got = co_await stream_.fill(deadline);
      more = got && *got > 0;
    }
    if (!out) stream_.close();
  }
  busy_ = false;
  changed_.notify_all();
  co_return out;
}

void Penalties::say(std::string line) {
  if (!stream_) return;
  stream_.write(line);
  if (busy_ || writing_) return;  // goes with what is being sent
  writing_ = true;
  tasks_.start(flush());
}

net::Task<> Penalties::flush() {
  auto sent = co_await stream_.flush(net::Deadline::in(kAnvilTime));
  writing_ = false;
  if (!sent && !busy_) stream_.close();
  changed_.notify_all();
}

void Penalties::remember_clean(const std::string& ident) {
  if (clean_until_.size() >= kMostClean) clean_until_.clear();
  clean_until_[ident] = Clock::now() + kCleanTime;
}

net::Task<Penalties::Penalty> Penalties::get(std::string ident) {
  Penalty none;
  auto clean = clean_until_.find(ident);
  if (clean != clean_until_.end()) {
    if (Clock::now() < clean->second) co_return none;
    clean_until_.erase(clean);
  }
  uint64_t raised_before = raised_;
  std::string line = fmt::format("PENALTY-GET\t{}\n", ident);
  auto answer = co_await ask(std::move(line));
  Penalty out;
  if (!answer) co_return out;
  auto words = split(*answer, " ");
  if (words.size() < 2) co_return out;
  out.value = parse_number<unsigned>(words[0]).value_or(0);
  out.last = parse_number<int64_t>(words[1]).value_or(0);
  // A rise may be behind the question.
  if (out.value == 0 && raised_ == raised_before) remember_clean(ident);
  co_return out;
}

void Penalties::raise(std::string_view ident, uint32_t checksum,
                      unsigned value) {
  ++raised_;
  if (auto at = clean_until_.find(ident); at != clean_until_.end()) {
    clean_until_.erase(at);
  }
  say(fmt::format("PENALTY-INC\t{}\t{}\t{}\n", ident, checksum, value));
}

void Penalties::reset(std::string_view ident) {
  say(fmt::format("PENALTY-INC\t{}\t0\t0\n", ident));
}

}  // namespace mail::authd
