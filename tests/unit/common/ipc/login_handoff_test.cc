#include "common/ipc/login_handoff.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "common/net/loop.h"
#include "common/net/task_set.h"

namespace mail::ipc::login {
namespace {

Request example() {
  Request r;
  r.tag = 7;
  r.auth_pid = 8637;
  r.auth_id = 2;
  r.client_pid = 8640;
  for (size_t i = 0; i < 16; i++) r.cookie[i] = static_cast<uint8_t>(i + 1);
  r.local_ip = *net::IpAddress::parse("192.0.2.1");
  r.remote_ip = *net::IpAddress::parse("2001:db8::9");
  r.local_port = 993;
  r.remote_port = 40000;
  r.flags = kSecured | kTlsSecured;
  r.inode = 0x0102030405060708;
  r.session = "llA0M/1gt7N/AAAC";
  r.data = encode(ImapStart{true, "a1", "a2 NOOP\r\n"});
  return r;
}

TEST_CASE("A login request lies where Dovecot's programs look for it") {
  std::string wire = encode(example());
  REQUIRE(wire.size() == 96 + 17 + 4 + 9);
  CHECK(wire[0] == 7);
  CHECK(wire.substr(8, 4) == std::string("\2\0\0\0", 4));
  CHECK(wire[16] == 1);
  CHECK(wire.substr(32, 8) == std::string("\2\0\0\0\xc0\0\2\1", 8));
  CHECK(wire[52] == AF_INET6);
  CHECK(wire.substr(56, 4) == "\x20\x01\x0d\xb8");
  CHECK(wire.substr(72, 2) == "\xe1\x03");
  CHECK(wire[76] == 6);
  CHECK(wire[80] == 30);
  CHECK(wire[88] == 8);
  CHECK(wire.substr(96) == std::string("llA0M/1gt7N/AAAC\0"
                                       "1a1\0a2 NOOP\r\n",
                                       30));
}

TEST_CASE("A login request comes back as it was") {
  auto parsed = parse_request(encode(example()));
  REQUIRE(parsed);
  CHECK(encode(*parsed) == encode(example()));
  auto start = parse_imap_start(parsed->data);
  REQUIRE(start);
  CHECK(start->asked_capability);
  CHECK(start->tag == "a1");
  CHECK(start->input == "a2 NOOP\r\n");
}

TEST_CASE("A login request that is cut or too long is refused") {
  std::string wire = encode(example());
  for (size_t n = 0; n < wire.size(); n++) {
    CHECK_FALSE(parse_request(std::string_view(wire).substr(0, n)));
  }
  std::string large = wire;
  large[81] = 5;  // 1310 bytes
  large.resize(96 + 1310);
  CHECK_FALSE(parse_request(large));
  std::string family = wire;
  family[32] = 77;
  CHECK_FALSE(parse_request(family));
  CHECK_FALSE(parse_imap_start(std::string_view("2a\0", 3)));
  CHECK_FALSE(parse_imap_start("1a"));
}

struct Login {
  static net::Task<> send(net::Descriptor* socket, Request request, int fd,
                          Reply* out) {
    auto reply =
        co_await hand_over(*socket, std::move(request), fd,
                           net::Deadline::in(std::chrono::seconds(10)));
    REQUIRE(reply);
    *out = *reply;
  }
};

net::Task<> answer_one(net::Descriptor* socket, Arrival* out) {
  auto arrival =
      co_await receive(*socket, net::Deadline::in(std::chrono::seconds(10)));
  REQUIRE(arrival);
  *out = std::move(*arrival);
  std::string reply = encode(Reply{out->request.tag, 0, 4711});
  auto sent = co_await net::send_passing(
      *socket, reply, -1, net::Deadline::in(std::chrono::seconds(10)));
  REQUIRE(sent);
}

TEST_CASE("A client's descriptor passes from login to mail process") {
  net::Loop loop;
  auto pair = net::make_pair(net::PairKind::Stream);
  auto client = net::make_pair(net::PairKind::Stream);
  REQUIRE(pair);
  REQUIRE(client);
  net::Descriptor ours(std::move(pair->ours)), theirs(std::move(pair->theirs));
  net::TaskSet tasks;
  Arrival arrival;
  Reply reply;
  tasks.start(answer_one(&theirs, &arrival));
  tasks.start(Login::send(&ours, example(), client->theirs.get(), &reply));
  loop.run(tasks.drained());
  CHECK(reply.mail_pid == 4711);
  CHECK(arrival.request.session == example().session);
  REQUIRE(arrival.client);
  REQUIRE(::write(arrival.client.get(), "x", 1) == 1);
  char byte = 0;
  REQUIRE(::read(client->ours.get(), &byte, 1) == 1);
  CHECK(byte == 'x');
}

}  // namespace
}  // namespace mail::ipc::login
