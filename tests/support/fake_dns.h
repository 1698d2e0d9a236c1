#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/dns/answer.h"
#include "common/dns/resolv_conf.h"
#include "common/net/listener.h"
#include "common/net/task_set.h"

namespace mail::test {

/// A query as a name server sees it.
struct DnsQuery {
  uint16_t id = 0;
  std::string name;  ///< lower case, without the final dot
  dns::Type type = dns::Type::A;
  bool edns = false, dnssec = false, tcp = false;
  std::string question;  ///< its bytes, to be repeated

  static std::optional<DnsQuery> parse(std::string_view packet);
};

/// Builds one reply, byte by byte, right or wrong.
class DnsReply {
 public:
  explicit DnsReply(const DnsQuery& query) : query_(query) {}
  DnsReply& rcode(int code);
  DnsReply& truncated();
  DnsReply& authenticated();
  DnsReply& id(uint16_t id);
  DnsReply& answer(std::string_view name, dns::Type type, uint32_t ttl,
                   std::string_view rdata);
  DnsReply& soa(uint32_t minimum);
  std::string bytes() const;

 private:
  DnsQuery query_;
  uint16_t flags_ = 0x8180;  // a recursive reply
  std::vector<std::string> answers_, authority_;
};

std::string dns_name(std::string_view name);
std::string dns_a(std::string_view address);  // AAAA too
std::string dns_mx(uint16_t preference, std::string_view host);
std::string dns_txt(const std::vector<std::string>& strings);

/// A name server on 127.0.0.1, UDP and TCP, in the test's own loop. Answers
/// from its records (CNAMEs are given without their targets' records), NXDOMAIN
/// for unknown names; `handler`, when set, first: nullopt drops the query.
class FakeDns {
 public:
  FakeDns();
  ~FakeDns();

  void add(std::string_view name, dns::Type type, std::string rdata,
           uint32_t ttl = 300);
  dns::ResolvConf conf() const;
  std::string handle(const DnsQuery& query) const;

  std::function<std::optional<std::string>(const DnsQuery&)> handler;
  std::vector<DnsQuery> queries;  ///< all so far

 private:
  struct Entry {
    dns::Type type;
    std::string rdata;
    uint32_t ttl;
  };
  std::optional<std::string> reply_to(DnsQuery query);
  net::Task<> serve_udp();
  net::Task<> serve_tcp();
  net::Task<> serve_stream(UniqueFd fd);

  std::multimap<std::string, Entry> records_;
  uint16_t port_ = 0;
  std::unique_ptr<net::Descriptor> udp_;
  std::unique_ptr<net::Listener> tcp_;
  net::TaskSet streams_, servers_;
};

}  // namespace mail::test
