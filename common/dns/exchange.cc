#include "common/dns/exchange.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "common/crypto/random.h"
#include "common/net/descriptor.h"
#include "common/net/listener.h"
#include "common/net/stream.h"

namespace mail::dns {

namespace {

using net::Deadline;
using net::Task;

Result<UniqueFd> udp_socket(const net::Endpoint& server) {
  int family = server.address.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd(socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket", errno);
  sockaddr_storage storage;
  socklen_t size = TRY(server.to_sockaddr(storage));
  // Connected: the kernel chooses a random port and drops datagrams of others.
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    return fail_errno("connect to " + server.text(), errno);
  }
  return fd;
}

Task<Result<Reply>> ask_udp(net::Endpoint server, Question question,
                            Deadline deadline) {
  std::string query = CO_TRY(encode_query(question));
  UniqueFd fd = CO_TRY(udp_socket(server));
  net::Descriptor descriptor(std::move(fd));
  if (::send(descriptor.fd(), query.data(), query.size(), MSG_NOSIGNAL) < 0) {
    co_return fail_errno("send to " + server.text(), errno);
  }
  while (true) {
    auto ready = co_await descriptor.readable(deadline);
    CO_TRY(ready);
    char buffer[4096];
    ssize_t n = ::recv(descriptor.fd(), buffer, sizeof(buffer), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) co_return fail_errno("receive from " + server.text(), errno);
    auto reply = parse_reply({buffer, static_cast<size_t>(n)}, question);
    // Somebody's guess, or an old reply: ours may still come.
    if (!reply && reply.error().sys != EBADMSG) continue;
    co_return reply;
  }
}

Task<Result<Reply>> ask_tcp(net::Endpoint server, Question question,
                            Deadline deadline) {
  std::string query = CO_TRY(encode_query(question));
  auto connected = co_await net::connect_to(server, deadline);
  net::Stream stream(CO_TRY(connected));
  stream.output() += static_cast<char>(query.size() >> 8);
  stream.output() += static_cast<char>(query.size() & 255);
  stream.write(query);
  auto sent = co_await stream.flush(deadline);
  CO_TRY(sent);
  while (true) {
    auto input = stream.input();
    if (input.size() >= 2) {
      size_t size =
          static_cast<size_t>(static_cast<unsigned char>(input[0]) << 8 |
                              static_cast<unsigned char>(input[1]));
      if (input.size() >= 2 + size) {
        auto reply = parse_reply(input.substr(2, size), question);
        if (reply) reply->truncated = false;
        co_return reply;
      }
    }
    auto got = co_await stream.fill(deadline);
    size_t n = CO_TRY(got);
    if (n == 0) co_return fail_errno(server.text(), ECONNRESET);
  }
}

// One server, once: UDP, and what its reply makes necessary.
Task<Result<Reply>> ask_server(net::Endpoint server, Question question,
                               bool tcp_only, Deadline deadline) {
  // A fresh id each time: a late reply to an earlier try is not taken.
  question.id = static_cast<uint16_t>(crypto::random_below(65536));
  if (!tcp_only) {
    auto reply = co_await ask_udp(server, question, deadline);
    if (reply && reply->code == Reply::Code::FormatError && question.edns) {
      question.edns = question.dnssec = false;
      reply = co_await ask_udp(server, question, deadline);
    }
    bool unreadable = !reply && reply.error().sys == EBADMSG;
    if (!unreadable && !(reply && reply->truncated)) co_return reply;
  }
  auto reply = co_await ask_tcp(server, question, deadline);
  co_return reply;
}

}  // namespace

Task<Result<Reply>> exchange(ResolvConf conf, Question question,
                             Deadline deadline) {
  if (conf.servers.empty()) co_return fail(Fault::Temporary, "no server");
  // What cannot be asked fails before anything is sent.
  auto possible = encode_query(question);
  if (!possible) co_return fail(std::move(possible).error());
  size_t count = conf.servers.size();
  size_t first =
      conf.rotate ? crypto::random_below(static_cast<uint32_t>(count)) : 0;
  Failure last = fail(Fault::Temporary, "no reply");
  for (unsigned round = 0; round < conf.attempts; ++round) {
    for (size_t i = 0; i < count; ++i) {
      const auto& server = conf.servers[(first + i) % count];
      // As libc: longer each round, divided among the servers.
      auto seconds = std::chrono::seconds(conf.timeout << round);
      Duration span = seconds;
      if (round > 0) span /= static_cast<long>(count);
      Deadline until(std::min(deadline.at(), Clock::now() + span));
      auto reply = co_await ask_server(server, question, conf.use_tcp, until);
      if (reply && reply->code != Reply::Code::ServerFailure) co_return reply;
      if (!reply) last = fail(std::move(reply).error());
      if (deadline.passed()) {
        co_return fail_errno("asking " + server.text(), ETIMEDOUT);
      }
    }
  }
  last.value().fault = Fault::Temporary;
  if (last.value().sys == ETIMEDOUT) last.value().sys = 0;
  co_return last;
}

}  // namespace mail::dns
