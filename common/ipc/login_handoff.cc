#include "common/ipc/login_handoff.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "common/base/check.h"

namespace mail::ipc::login {
namespace {

template <class T>
void put(std::string& out, size_t at, T value) {
  memcpy(out.data() + at, &value, sizeof(value));
}

template <class T>
T get(std::string_view in, size_t at) {
  T value;
  memcpy(&value, in.data() + at, sizeof(value));
  return value;
}

void put_address(std::string& out, size_t at, const net::IpAddress& address) {
  put<uint16_t>(out, at, address.is_v4() ? AF_INET : AF_INET6);
  memcpy(out.data() + at + 4, address.bytes().data(), address.bytes().size());
}

// A client on a Unix socket has no address: family 0.
Result<net::IpAddress> get_address(std::string_view in, size_t at) {
  auto family = get<uint16_t>(in, at);
  if (family == 0) return net::IpAddress();
  if (family != AF_INET && family != AF_INET6) {
    return fail(Fault::Protocol, "login request: unknown address family");
  }
  auto address =
      net::IpAddress::from_bytes(in.substr(at + 4, family == AF_INET ? 4 : 16));
  CHECK(address.has_value());
  return *address;
}

Result<uint64_t> inode_of(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return fail_errno("fstat", errno);
  return status.st_ino;
}

}  // namespace

std::string encode(const Request& r) {
  std::string out(kRequestSize, '\0');
  put(out, 0, r.tag);
  put(out, 4, r.auth_pid);
  put(out, 8, r.auth_id);
  put(out, 12, r.client_pid);
  memcpy(out.data() + 16, r.cookie.data(), r.cookie.size());
  put_address(out, 32, r.local_ip);
  put_address(out, 52, r.remote_ip);
  put(out, 72, r.local_port);
  put(out, 74, r.remote_port);
  put(out, 76, r.flags);
  size_t size = r.session.size() + 1 + r.data.size();
  CHECK(size <= kMaxData);
  put(out, 80, static_cast<uint32_t>(size));
  put(out, 88, r.inode);
  out += r.session;
  out += '\0';
  out += r.data;
  return out;
}

std::string encode(const Reply& reply) {
  std::string out(kReplySize, '\0');
  put(out, 0, reply.tag);
  put(out, 4, reply.status);
  put(out, 8, reply.mail_pid);
  return out;
}

Result<size_t> request_size(std::string_view head) {
  CHECK(head.size() >= kRequestSize);
  auto size = get<uint32_t>(head, 80);
  if (size > kMaxData) {
    return fail(Fault::Protocol, "login request: too much data");
  }
  return kRequestSize + size;
}

Result<Request> parse_request(std::string_view bytes) {
  if (bytes.size() < kRequestSize) {
    return fail(Fault::Protocol, "login request: too short");
  }
  if (TRY(request_size(bytes)) != bytes.size()) {
    return fail(Fault::Protocol, "login request: wrong size");
  }
  Request r;
  r.tag = get<uint32_t>(bytes, 0);
  r.auth_pid = get<int32_t>(bytes, 4);
  r.auth_id = get<uint32_t>(bytes, 8);
  r.client_pid = get<uint32_t>(bytes, 12);
  memcpy(r.cookie.data(), bytes.data() + 16, r.cookie.size());
  r.local_ip = TRY(get_address(bytes, 32));
  r.remote_ip = TRY(get_address(bytes, 52));
  r.local_port = get<uint16_t>(bytes, 72);
  r.remote_port = get<uint16_t>(bytes, 74);
  r.flags = get<uint32_t>(bytes, 76);
  r.inode = get<uint64_t>(bytes, 88);
  auto rest = bytes.substr(kRequestSize);
  auto end = rest.find('\0');
  if (end == std::string_view::npos) {
    return fail(Fault::Protocol, "login request: no session id");
  }
  r.session = rest.substr(0, end);
  r.data = rest.substr(end + 1);
  return r;
}

Result<Reply> parse_reply(std::string_view bytes) {
  if (bytes.size() != kReplySize) {
    return fail(Fault::Protocol, "login reply: wrong size");
  }
  return Reply{get<uint32_t>(bytes, 0), get<uint32_t>(bytes, 4),
               get<int32_t>(bytes, 8)};
}

std::string encode(const ImapStart& start) {
  std::string out(1, start.asked_capability ? '1' : '0');
  out += start.tag;
  out += '\0';
  out += start.input;
  return out;
}

Result<ImapStart> parse_imap_start(std::string_view data) {
  auto end = data.find('\0');
  if (end == std::string_view::npos || end == 0 ||
      (data[0] != '0' && data[0] != '1')) {
    return fail(Fault::Protocol, "login request: no IMAP tag");
  }
  return ImapStart{data[0] == '1', std::string(data.substr(1, end - 1)),
                   std::string(data.substr(end + 1))};
}

net::Task<Result<Arrival>> receive(net::Descriptor& connection,
                                   net::Deadline deadline) {
  std::string bytes;
  Arrival arrival;
  size_t wanted = kRequestSize;
  while (bytes.size() < wanted) {
    auto got = co_await net::receive_passing(connection, wanted - bytes.size(),
                                             deadline);
    CO_CHECK(got);
    if (got->bytes.empty()) co_return fail_errno("login request", ECONNRESET);
    if (got->fd) arrival.client = std::move(got->fd);
    bytes += got->bytes;
    if (bytes.size() == kRequestSize) wanted = CO_TRY(request_size(bytes));
  }
  arrival.request = CO_TRY(parse_request(bytes));
  if (!arrival.client) {
    co_return fail(Fault::Protocol, "login request: no descriptor");
  }
  auto inode = CO_TRY(inode_of(arrival.client.get()));
  if (inode != arrival.request.inode) {
    co_return fail(Fault::Protocol, "login request: another descriptor");
  }
  co_return arrival;
}

net::Task<Result<Reply>> hand_over(net::Descriptor& connection, Request request,
                                   int client, net::Deadline deadline) {
  request.inode = CO_TRY(inode_of(client));
  std::string wire = encode(request);
  auto sent = co_await net::send_passing(connection, wire, client, deadline);
  CO_CHECK(sent);
  std::string bytes;
  while (bytes.size() < kReplySize) {
    auto got = co_await net::receive_passing(
        connection, kReplySize - bytes.size(), deadline);
    CO_CHECK(got);
    if (got->bytes.empty()) co_return fail_errno("login reply", ECONNRESET);
    bytes += got->bytes;
  }
  Reply reply = CO_TRY(parse_reply(bytes));
  if (reply.tag != request.tag) {
    co_return fail(Fault::Protocol, "login reply: to another request");
  }
  co_return reply;
}

}  // namespace mail::ipc::login
