#include "common/login/handing_over.h"

#include <fmt/format.h>

#include <ctime>

#include "common/base/ascii.h"
#include "common/net/listener.h"

namespace mail::login {

std::array<uint8_t, 16> cookie_bytes(std::string_view hex) {
  std::array<uint8_t, 16> bytes{};
  if (hex.size() != 32) return bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return {};
    bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return bytes;
}

std::string temporary_failure_text(std::string_view hostname) {
  time_t now = ::time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  return fmt::format(
      "Temporary authentication failure. "
      "[{}:{:04}-{:02}-{:02} {:02}:{:02}:{:02}]",
      hostname, local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
      local.tm_hour, local.tm_min, local.tm_sec);
}

net::Task<Result<Handed>> hand_client_on(std::string socket,
                                         ipc::login::Request request,
                                         std::string unread,
                                         net::Stream* client, bool must_relay,
                                         net::Deadline deadline) {
  auto connected = co_await net::connect_unix(socket, deadline);
  UniqueFd mail_process = CO_TRY(connected);
  net::Descriptor connection(std::move(mail_process));
  Handed handed;
  UniqueFd theirs;
  size_t fixed = request.session.size() + 1 + request.data.size();
  if (fixed > ipc::login::kMaxData) {
    co_return fail(Fault::Protocol, "session id and tag are too long");
  }
  bool fits = fixed + unread.size() <= ipc::login::kMaxData;
  if (must_relay || !fits) {
    auto pair = CO_TRY(net::make_pair(net::PairKind::Stream));
    handed.relay = std::move(pair.ours);
    theirs = std::move(pair.theirs);
  }
  if (fits) request.data += unread;
  int passed = theirs ? theirs.get() : client->fd();
  auto reply = co_await ipc::login::hand_over(connection, std::move(request),
                                              passed, deadline);
  if (!reply) {
    co_return fail(reply.error().fault,
                   fmt::format("{}: {}", socket, reply.error().what));
  }
  if (reply->status != 0) {
    co_return fail(Fault::Temporary,
                   fmt::format("{}: the mail process refused", socket));
  }
  handed.mail_pid = reply->mail_pid;
  // What the request could not hold goes on by the relay.
  size_t in_stream = client->input().size();
  if (!fits) {
    net::Stream mail(std::move(handed.relay));
    auto sent = co_await mail.send(unread, deadline);
    CO_CHECK(sent);
    handed.relay = mail.release();
  }
  client->consume(in_stream);
  co_return handed;
}

}  // namespace mail::login
