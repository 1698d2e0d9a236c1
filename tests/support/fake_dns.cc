#include "tests/support/fake_dns.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "common/base/ascii.h"
#include "common/net/stream.h"

namespace mail::test {

namespace {

using net::Deadline;

std::string two(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 255)};
}
std::string four(uint32_t value) {
  return two(value >> 16) + two(value & 0xFFFF);
}
unsigned read_two(std::string_view bytes, size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[at]) << 8 |
                               static_cast<unsigned char>(bytes[at + 1]));
}

}  // namespace

std::string dns_name(std::string_view name) {
  std::string out;
  if (!name.empty()) {
    for (auto label : split_exact(name, '.')) {
      out += static_cast<char>(label.size());
      out += label;
    }
  }
  return out + '\0';
}

std::string dns_a(std::string_view address) {
  auto parsed = net::IpAddress::parse(address);
  REQUIRE(parsed);
  return std::string(parsed->bytes());
}

std::string dns_mx(uint16_t preference, std::string_view host) {
  return two(preference) + dns_name(host);
}

std::string dns_txt(const std::vector<std::string>& strings) {
  std::string out;
  for (const auto& s : strings) out += static_cast<char>(s.size()) + s;
  return out;
}

std::optional<DnsQuery> DnsQuery::parse(std::string_view packet) {
  if (packet.size() < 17) return std::nullopt;
  DnsQuery out;
  out.id = static_cast<uint16_t>(read_two(packet, 0));
  size_t at = 12;
  while (at < packet.size() && packet[at] != 0) {
    size_t size = static_cast<unsigned char>(packet[at]);
    if (!out.name.empty()) out.name += '.';
    out.name += lower(packet.substr(at + 1, size));
    at += 1 + size;
  }
  at += 5;
  if (at > packet.size()) return std::nullopt;
  out.type = static_cast<dns::Type>(read_two(packet, at - 4));
  out.question = packet.substr(12, at - 12);
  if (read_two(packet, 10) == 1 && at + 9 <= packet.size()) {
    out.edns = true;
    out.dnssec = packet[at + 7] & 0x80;
  }
  return out;
}

DnsReply& DnsReply::rcode(int code) {
  flags_ = static_cast<uint16_t>((flags_ & ~15) | code);
  return *this;
}
DnsReply& DnsReply::truncated() {
  flags_ |= 0x0200;
  return *this;
}
DnsReply& DnsReply::authenticated() {
  flags_ |= 0x0020;
  return *this;
}
DnsReply& DnsReply::id(uint16_t id) {
  query_.id = id;
  return *this;
}
DnsReply& DnsReply::answer(std::string_view name, dns::Type type, uint32_t ttl,
                           std::string_view rdata) {
  answers_.push_back(
      dns_name(name) + two(static_cast<uint16_t>(type)) + two(1) + four(ttl) +
      two(static_cast<unsigned>(rdata.size())) + std::string(rdata));
  return *this;
}
DnsReply& DnsReply::soa(uint32_t minimum) {
  std::string rdata = dns_name("ns.example") + dns_name("root.example") +
                      four(1) + four(2) + four(3) + four(4) + four(minimum);
  authority_.push_back(dns_name("example") + two(6) + two(1) + four(3600) +
                       two(static_cast<unsigned>(rdata.size())) + rdata);
  return *this;
}
std::string DnsReply::bytes() const {
  std::string out =
      two(query_.id) + two(flags_) + two(query_.question.empty() ? 0 : 1) +
      two(static_cast<unsigned>(answers_.size())) +
      two(static_cast<unsigned>(authority_.size())) + two(0) + query_.question;
  for (const auto& record : answers_) out += record;
  for (const auto& record : authority_) out += record;
  return out;
}

FakeDns::FakeDns() {
  net::Endpoint where;
  where.address = *net::IpAddress::parse("127.0.0.1");
  auto listening = net::Listener::bind(where);
  REQUIRE(listening);
  port_ = where.port = net::Endpoint::local_of(listening->get()).port;
  tcp_ = std::make_unique<net::Listener>(std::move(*listening));
  UniqueFd udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage;
  auto size = where.to_sockaddr(storage);
  REQUIRE(size);
  REQUIRE(bind(udp.get(), reinterpret_cast<sockaddr*>(&storage), *size) == 0);
  udp_ = std::make_unique<net::Descriptor>(std::move(udp));
  servers_.start(serve_udp());
  servers_.start(serve_tcp());
}

FakeDns::~FakeDns() = default;

void FakeDns::add(std::string_view name, dns::Type type, std::string rdata,
                  uint32_t ttl) {
  records_.emplace(lower(name), Entry{type, std::move(rdata), ttl});
}

dns::ResolvConf FakeDns::conf() const {
  dns::ResolvConf out;
  net::Endpoint server;
  server.address = *net::IpAddress::parse("127.0.0.1");
  server.port = port_;
  out.servers = {server};
  out.timeout = 1;
  return out;
}

std::string FakeDns::handle(const DnsQuery& query) const {
  DnsReply reply(query);
  auto [begin, end] = records_.equal_range(query.name);
  if (begin == end) return reply.rcode(3).soa(60).bytes();
  bool any = false;
  for (auto it = begin; it != end; ++it) {
    const Entry& entry = it->second;
    if (entry.type != query.type && entry.type != dns::Type::CNAME) continue;
    reply.answer(query.name, entry.type, entry.ttl, entry.rdata);
    any = true;
  }
  if (!any) reply.soa(60);
  return reply.bytes();
}

std::optional<std::string> FakeDns::reply_to(DnsQuery query) {
  queries.push_back(query);
  if (handler) return handler(query);
  return handle(query);
}

net::Task<> FakeDns::serve_udp() {
  while (true) {
    auto ready = co_await udp_->readable(Deadline::never());
    if (!ready) co_return;
    char buffer[4096];
    sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    auto* address = reinterpret_cast<sockaddr*>(&peer);
    ssize_t n = recvfrom(udp_->fd(), buffer, sizeof(buffer), 0, address, &size);
    if (n < 0) continue;
    auto query = DnsQuery::parse({buffer, static_cast<size_t>(n)});
    if (!query) continue;
    auto reply = reply_to(*query);
    if (!reply) continue;
    sendto(udp_->fd(), reply->data(), reply->size(), 0, address, size);
  }
}

net::Task<> FakeDns::serve_tcp() {
  while (true) {
    auto client = co_await tcp_->accept();
    if (!client) co_return;
    streams_.start(serve_stream(std::move(*client)));
  }
}

net::Task<> FakeDns::serve_stream(UniqueFd fd) {
  net::Stream stream(std::move(fd));
  while (stream.input().size() < 2 ||
         stream.input().size() < 2 + read_two(stream.input(), 0)) {
    auto got = co_await stream.fill(Deadline::in(std::chrono::seconds(10)));
    if (!got || *got == 0) co_return;
  }
  auto query = DnsQuery::parse(stream.input().substr(2));
  if (!query) co_return;
  query->tcp = true;
  auto reply = reply_to(*query);
  if (!reply) co_return;
  stream.write(two(static_cast<unsigned>(reply->size())) + *reply);
  auto sent = co_await stream.flush(Deadline::in(std::chrono::seconds(10)));
  (void)sent;
}

}  // namespace mail::test
