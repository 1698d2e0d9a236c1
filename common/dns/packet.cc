#include "common/dns/packet.h"

#include <ldns/ldns.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "common/base/ascii.h"
#include "common/base/handle.h"
#include "common/base/utf8.h"

namespace mail::dns {

namespace {

using PacketPtr = Handle<ldns_pkt, ldns_pkt_free>;
using RdfPtr = Handle<ldns_rdf, ldns_rdf_deep_free>;

constexpr uint16_t kUdpSize = 1232;  // fits into any path's MTU
constexpr int kMaxChain = 16;

std::string_view rdf_bytes(const ldns_rdf* rdf) {
  if (!rdf) return {};
  return {reinterpret_cast<const char*>(ldns_rdf_data(rdf)),
          ldns_rdf_size(rdf)};
}

// Text of an uncompressed wire name, without the final dot. A dot or backslash
// inside a label, and what cannot be printed, becomes \DDD: no host name then.
std::string name_text(std::string_view wire) {
  std::string out;
  while (!wire.empty() && wire[0] != 0) {
    size_t size = static_cast<unsigned char>(wire[0]);
    wire.remove_prefix(1);
    size = std::min(size, wire.size());
    if (!out.empty()) out += '.';
    for (char c : wire.substr(0, size)) {
      if (is_print(c) && c != ' ' && c != '.' && c != '\\') {
        out += c;
        continue;
      }
      auto value = static_cast<unsigned char>(c);
      out += '\\';
      out += static_cast<char>('0' + value / 100);
      out += static_cast<char>('0' + value / 10 % 10);
      out += static_cast<char>('0' + value % 10);
    }
    wire.remove_prefix(size);
  }
  return out;
}

uint16_t number16(const ldns_rdf* rdf) {
  auto bytes = rdf_bytes(rdf);
  if (bytes.size() != 2) return 0;
  return static_cast<uint16_t>(static_cast<unsigned char>(bytes[0]) << 8 |
                               static_cast<unsigned char>(bytes[1]));
}

uint8_t number8(const ldns_rdf* rdf) {
  auto bytes = rdf_bytes(rdf);
  return bytes.size() == 1 ? static_cast<uint8_t>(bytes[0]) : uint8_t{0};
}

// nullopt: its data is not what the type has.
std::optional<Record> decode_record(const ldns_rr* rr) {
  Record out;
  out.name = name_text(rdf_bytes(ldns_rr_owner(rr)));
  out.type = static_cast<Type>(ldns_rr_get_type(rr));
  out.ttl = std::min<uint32_t>(ldns_rr_ttl(rr), INT32_MAX);
  size_t count = ldns_rr_rd_count(rr);
  auto field = [&](size_t i) {
    return i < count ? ldns_rr_rdf(rr, i) : nullptr;
  };
  switch (out.type) {
    case Type::A:
    case Type::AAAA: {
      auto bytes = rdf_bytes(field(0));
      if (bytes.size() != (out.type == Type::A ? 4u : 16u)) {
        return std::nullopt;
      }
      out.address = *net::IpAddress::from_bytes(bytes);
      return out;
    }
    case Type::NS:
    case Type::CNAME:
    case Type::PTR:
      if (count < 1) return std::nullopt;
      out.target = name_text(rdf_bytes(field(0)));
      return out;
    case Type::MX:
      if (count < 2) return std::nullopt;
      out.preference = number16(field(0));
      out.target = name_text(rdf_bytes(field(1)));
      return out;
    case Type::SRV:
      if (count < 4) return std::nullopt;
      out.preference = number16(field(0));
      out.weight = number16(field(1));
      out.port = number16(field(2));
      out.target = name_text(rdf_bytes(field(3)));
      return out;
    case Type::TLSA:
      if (count < 4) return std::nullopt;
      out.usage = number8(field(0));
      out.selector = number8(field(1));
      out.matching = number8(field(2));
      out.data = rdf_bytes(field(3));
      return out;
    case Type::TXT:
      for (size_t i = 0; i < count; ++i) {
        auto bytes = rdf_bytes(field(i));
        if (!bytes.empty()) out.data += bytes.substr(1);
      }
      return out;
    default:
      for (size_t i = 0; i < count; ++i) out.data += rdf_bytes(field(i));
      return out;
  }
}

bool has_target(Type type) {
  return type == Type::NS || type == Type::PTR || type == Type::MX ||
         type == Type::SRV;
}

// False: this record's name is of no use.
bool target_usable(const Record& record, std::string_view owner,
                   std::vector<std::string>& warnings) {
  if (!has_target(record.type) || is_host_name(record.target)) return true;
  if (record.target.empty() &&
      (record.type == Type::MX || record.type == Type::SRV)) {
    return true;  // "." says: not here (RFC 7505, 2782)
  }
  bool numeric = net::IpAddress::parse(record.target).has_value();
  warnings.push_back(std::string(numeric ? "numeric" : "malformed") +
                     " domain name in resource data of " +
                     type_name(record.type) + " record for " +
                     std::string(owner) + ": " +
                     printable(record.target.substr(0, 100)));
  return numeric && record.type == Type::MX;
}

// How long "no" holds (RFC 2308, 5); nullopt: nobody says that it is final.
std::optional<uint32_t> negative_ttl(const ldns_pkt* packet) {
  const ldns_rr_list* authority = ldns_pkt_authority(packet);
  for (size_t i = 0; i < ldns_rr_list_rr_count(authority); ++i) {
    const ldns_rr* rr = ldns_rr_list_rr(authority, i);
    if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA) continue;
    uint32_t ttl = ldns_rr_ttl(rr);
    if (ldns_rr_rd_count(rr) == 7) {
      auto bytes = rdf_bytes(ldns_rr_rdf(rr, 6));
      if (bytes.size() == 4) {
        ttl = std::min(ttl, ldns_read_uint32(bytes.data()));
      }
    }
    return ttl;
  }
  return std::nullopt;
}

void collect(const ldns_pkt* packet, const Question& question, Answer& answer) {
  std::vector<Record> records;
  const ldns_rr_list* list = ldns_pkt_answer(packet);
  for (size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
    if (auto record = decode_record(ldns_rr_list_rr(list, i))) {
      records.push_back(std::move(*record));
    }
  }
  uint32_t ttl = INT32_MAX;
  size_t unusable = 0;
  for (int link = 0; link < kMaxChain; ++link) {
    const Record* alias = nullptr;
    for (auto& record : records) {
      if (!iequals(record.name, answer.canonical)) continue;
      if (record.type == question.type) {
        ttl = std::min(ttl, record.ttl);
        if (target_usable(record, question.name, answer.warnings)) {
          answer.records.push_back(record);
        } else {
          ++unusable;
        }
      } else if (record.type == Type::CNAME && !alias) {
        alias = &record;
      }
    }
    if (!answer.records.empty() || unusable > 0 || !alias) break;
    ttl = std::min(ttl, alias->ttl);
    answer.canonical = alias->target;
  }
  answer.ttl = ttl == INT32_MAX ? 0 : ttl;
  if (answer.records.empty() && unusable > 0) {
    answer.status = Status::Malformed;
  } else {
    answer.status = Status::Found;
  }
}

std::string without_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return std::string(name);
}

bool answers(const ldns_pkt* packet, const Question& question) {
  if (ldns_pkt_id(packet) != question.id || !ldns_pkt_qr(packet)) return false;
  const ldns_rr_list* asked = ldns_pkt_question(packet);
  size_t count = ldns_rr_list_rr_count(asked);
  // Servers that could not read the question do not repeat it.
  if (count == 0) return ldns_pkt_get_rcode(packet) != LDNS_RCODE_NOERROR;
  const ldns_rr* rr = ldns_rr_list_rr(asked, 0);
  return count == 1 && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
         static_cast<uint16_t>(ldns_rr_get_type(rr)) ==
             static_cast<uint16_t>(question.type) &&
         iequals(name_text(rdf_bytes(ldns_rr_owner(rr))),
                 without_dot(question.name));
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 255) return false;
  bool numeric = true;
  for (auto label : split_exact(name, '.')) {
    if (label.empty() || label.size() > 63) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    for (char c : label) {
      if (!is_alnum(c) && c != '-' && c != '_') return false;
      if (!is_digit(c)) numeric = false;
    }
  }
  return !numeric;
}

Result<std::string> encode_query(const Question& question) {
  std::string name = without_dot(question.name);
  std::string wire;
  for (auto label : split_exact(name, '.')) {
    if (name.empty()) break;
    if (label.empty() || label.size() > 63) {
      return fail(Fault::Protocol, "not a domain name: " + printable(name));
    }
    wire += static_cast<char>(label.size());
    wire += label;
  }
  wire += '\0';
  if (wire.size() > 255) {
    return fail(Fault::Protocol, "domain name too long: " + printable(name));
  }
  // The packet takes the name over.
  ldns_rdf* rdf =
      ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, wire.size(), wire.data());
  PacketPtr packet(ldns_pkt_query_new(rdf,
                                      static_cast<ldns_rr_type>(question.type),
                                      LDNS_RR_CLASS_IN, LDNS_RD));
  if (!packet) {
    ldns_rdf_deep_free(rdf);
    return fail(Fault::Temporary, "no memory for a query");
  }
  ldns_pkt_set_id(packet.get(), question.id);
  ldns_pkt_set_ad(packet.get(), true);
  if (question.edns) {
    ldns_pkt_set_edns_udp_size(packet.get(), kUdpSize);
    ldns_pkt_set_edns_do(packet.get(), question.dnssec);
  }
  uint8_t* bytes = nullptr;
  size_t size = 0;
  if (ldns_pkt2wire(&bytes, packet.get(), &size) != LDNS_STATUS_OK) {
    return fail(Fault::Protocol, "not a domain name: " + printable(name));
  }
  std::string out(reinterpret_cast<char*>(bytes), size);
  free(bytes);
  return out;
}

Result<Reply> parse_reply(std::string_view bytes, const Question& question) {
  // Cheap first: what is not ours may be anything.
  if (bytes.size() < 12 || ldns_read_uint16(bytes.data()) != question.id) {
    return fail(Fault::Protocol, "not the reply that was waited for");
  }
  ldns_pkt* raw = nullptr;
  auto status = ldns_wire2pkt(
      &raw, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  PacketPtr packet(raw);
  Reply out;
  out.answer.name = out.answer.canonical = without_dot(question.name);
  out.answer.type = question.type;
  if (status != LDNS_STATUS_OK || !packet) {
    // The end may be cut off; the flag says so in plain sight.
    if (bytes[2] & 2) {
      out.truncated = true;
      return out;
    }
    return fail(Error{Fault::Protocol, "unreadable reply", EBADMSG});
  }
  if (!answers(packet.get(), question)) {
    return fail(Fault::Protocol, "not the reply that was waited for");
  }
  out.truncated = ldns_pkt_tc(packet.get());
  out.answer.authenticated = ldns_pkt_ad(packet.get());
  switch (ldns_pkt_get_rcode(packet.get())) {
    case LDNS_RCODE_NOERROR:
      out.code = Reply::Code::Success;
      break;
    case LDNS_RCODE_NXDOMAIN:
      out.code = Reply::Code::NameError;
      break;
    case LDNS_RCODE_FORMERR:
      out.code = Reply::Code::FormatError;
      return out;
    case LDNS_RCODE_SERVFAIL:
    case LDNS_RCODE_REFUSED:
    case LDNS_RCODE_NOTIMPL:
      out.code = Reply::Code::ServerFailure;
      return out;
    default:
      out.code = Reply::Code::Other;
      return out;
  }
  collect(packet.get(), question, out.answer);
  if (!out.answer.records.empty() || out.answer.status == Status::Malformed) {
    return out;
  }
  auto ttl = negative_ttl(packet.get());
  bool aliased = !iequals(out.answer.canonical, out.answer.name);
  if (out.code == Reply::Code::NameError) {
    out.answer.status = Status::NotFound;
  } else if (!aliased || ttl) {
    out.answer.status = Status::NoData;
  }
  if (out.answer.status != Status::Found) out.answer.ttl = ttl.value_or(0);
  return out;
}

}  // namespace mail::dns
