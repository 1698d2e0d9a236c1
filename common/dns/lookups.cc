#include "common/dns/lookups.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/net/task_set.h"

namespace mail::dns {

namespace {

using net::Deadline;
using net::Task;

Answer literal_answer(std::string_view host,
                      const std::vector<net::IpAddress>& addresses,
                      Families families) {
  Answer out;
  out.name = out.canonical = host;
  for (const auto& address : addresses) {
    if (address.is_v4() ? families == Families::V6 : families == Families::V4) {
      continue;
    }
    Record record;
    record.name = host;
    record.type = address.is_v4() ? Type::A : Type::AAAA;
    record.address = address;
    out.records.push_back(std::move(record));
  }
  out.type = families == Families::V6 ? Type::AAAA : Type::A;
  out.status = out.records.empty() ? Status::NoData : Status::Found;
  return out;
}

Task<> lookup_into(Resolver* resolver, std::string host, Type type,
                   Deadline deadline, Resolver::Options options, Answer* out) {
  *out = co_await resolver->lookup(std::move(host), type, deadline, options);
}

// One family's answer alone, or both in one.
Answer combined(Answer six, Answer four) {
  if (!six.found() && !four.found()) {
    return six.status >= four.status ? six : four;
  }
  if (!six.found()) return four;
  if (!four.found()) return six;
  six.authenticated = six.authenticated && four.authenticated;
  six.ttl = std::min(six.ttl, four.ttl);
  for (auto& record : four.records) six.records.push_back(std::move(record));
  for (auto& text : four.warnings) six.warnings.push_back(std::move(text));
  return six;
}

}  // namespace

Task<MxHosts> mx_hosts(Resolver& resolver, std::string domain,
                       Deadline deadline, Resolver::Options options) {
  MxHosts out;
  out.answer =
      co_await resolver.lookup(std::move(domain), Type::MX, deadline, options);
  auto& records = out.answer.records;
  bool null_mx = records.size() == 1 && records[0].target.empty();
  if (null_mx && records[0].preference == 0) {
    out.answer.status = Status::NullMx;
    co_return out;
  }
  for (const auto& record : records) {
    if (record.target.empty()) continue;  // "." among others means nothing
    out.hosts.push_back({record.target, record.preference});
  }
  if (out.answer.found() && out.hosts.empty()) {
    out.answer.status = Status::Malformed;
  }
  std::stable_sort(
      out.hosts.begin(), out.hosts.end(),
      [](const auto& a, const auto& b) { return a.preference < b.preference; });
  co_return out;
}

Task<Answer> addresses(Resolver& resolver, std::string host, Families families,
                       Deadline deadline, Resolver::Options options) {
  if (auto literal = net::IpAddress::parse(host)) {
    co_return literal_answer(host, {*literal}, families);
  }
  if (families != Families::Both) {
    Type type = families == Families::V4 ? Type::A : Type::AAAA;
    Answer answer =
        co_await resolver.lookup(std::move(host), type, deadline, options);
    co_return answer;
  }
  Answer six, four;
  net::TaskSet both;
  both.start(lookup_into(&resolver, host, Type::AAAA, deadline, options, &six));
  both.start(lookup_into(&resolver, host, Type::A, deadline, options, &four));
  co_await both.drained();
  co_return combined(std::move(six), std::move(four));
}

Task<Answer> native_addresses(Resolver& resolver, std::string host,
                              Families families, Deadline deadline) {
  auto listed = resolver.hosts().addresses(host);
  std::string_view name = host;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (listed.empty() &&
      (iequals(name, "localhost") || iends_with(name, ".localhost"))) {
    listed = {*net::IpAddress::parse("127.0.0.1"),
              *net::IpAddress::parse("::1")};
  }
  Answer answer = literal_answer(host, listed, families);
  if (answer.found()) co_return answer;
  Resolver::Options options;
  options.search = true;
  answer = co_await addresses(resolver, std::move(host), families, deadline,
                              options);
  co_return answer;
}

std::string native_error_text(const Answer& answer) {
  std::string_view reason = "Name or service not known";
  if (answer.status == Status::Temporary) {
    reason = "Temporary failure in name resolution";
  } else if (answer.status == Status::NoData) {
    reason = "No address associated with hostname";
  } else if (answer.status == Status::ServerFailure ||
             answer.status == Status::Malformed) {
    reason = "Non-recoverable failure in name resolution";
  }
  return "unable to look up host " + answer.name + ": " + std::string(reason);
}

Task<Answer> ptr_name(Resolver& resolver, net::IpAddress address,
                      Deadline deadline) {
  if (auto name = resolver.hosts().name(address)) {
    Answer out;
    out.name = out.canonical = reverse_name(address);
    out.type = Type::PTR;
    out.status = Status::Found;
    Record record;
    record.name = out.name;
    record.type = Type::PTR;
    record.target = *name;
    out.records.push_back(std::move(record));
    co_return out;
  }
  Answer answer =
      co_await resolver.lookup(reverse_name(address), Type::PTR, deadline);
  co_return answer;
}

std::string reversed(const net::IpAddress& address) {
  std::string out;
  std::string_view bytes = address.bytes();
  for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) {
    auto value = static_cast<unsigned char>(*it);
    if (!out.empty()) out += '.';
    if (address.is_v4()) {
      out += std::to_string(value);
    } else {
      constexpr char kDigits[] = "0123456789abcdef";
      out += kDigits[value & 15];
      out += '.';
      out += kDigits[value >> 4];
    }
  }
  return out;
}

std::string reverse_name(const net::IpAddress& address) {
  return reversed(address) + (address.is_v4() ? ".in-addr.arpa" : ".ip6.arpa");
}

}  // namespace mail::dns
