#include "common/dkim/signature.h"

#include <algorithm>
#include <iterator>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/dkim/tag_list.h"

namespace mail::dkim {

namespace {

constexpr size_t kMaxIdentity = 1024;

/// Absent, empty, or text; the two first have a status each.
Status require(const std::string* value, Status missing, Status empty) {
  if (value == nullptr) return missing;
  return value->empty() ? empty : Status::Unknown;
}

Status read_identity(const TagList& tags, Signature& out) {
  const std::string* identity = tags.find("i");
  out.identity = identity ? decode_quoted(*identity) : "@" + out.domain;
  if (out.identity.size() > kMaxIdentity) return Status::BadIdentity;
  size_t at = out.identity.rfind('@');
  if (at == std::string::npos ||
      !is_within(std::string_view(out.identity).substr(at + 1), out.domain)) {
    return Status::BadIdentity;
  }
  return Status::Unknown;
}

Status read_canon(const TagList& tags, Signature& out) {
  const std::string* text = tags.find("c");
  if (!text || text->empty()) return Status::Unknown;
  std::string clean = without_blanks(*text);
  size_t slash = clean.find('/');
  auto header = canon_by_name(clean.substr(0, slash));
  if (!header) return Status::BadHeaderMethod;
  out.canon.header = *header;
  if (slash == std::string::npos) return Status::Unknown;
  auto body = canon_by_name(clean.substr(slash + 1));
  if (!body) return Status::BadBodyMethod;
  out.canon.body = *body;
  return Status::Unknown;
}

Status read_times(int64_t now, int64_t drift, const Signature& out) {
  if (out.expires && now >= *out.expires + drift) return Status::Expired;
  if (out.created && *out.created - drift > now) return Status::InFuture;
  if (out.created && out.expires && *out.created >= *out.expires) {
    return Status::BadOrder;
  }
  return Status::Unknown;
}

Status read_headers(const TagList& tags, Signature& out) {
  const std::string* list = tags.find("h");
  if (Status bad = require(list, Status::HeadersMissing, Status::HeadersEmpty);
      bad != Status::Unknown) {
    return bad;
  }
  out.headers = colon_list(*list);
  std::erase(out.headers, "");
  bool from = std::any_of(out.headers.begin(), out.headers.end(),
                          [](const auto& h) { return iequals(h, "from"); });
  return from ? Status::Unknown : Status::HeadersIncomplete;
}

Status read_length_and_query(const TagList& tags, Signature& out) {
  if (const std::string* length = tags.find("l")) {
    out.length = parse_number<uint64_t>(without_blanks(*length));
    if (!out.length) return Status::BadLength;
  }
  const std::string* query = tags.find("q");
  if (query == nullptr) return Status::Unknown;
  auto methods = colon_list(*query);
  bool dns = std::any_of(methods.begin(), methods.end(),
                         [](const auto& m) { return iequals(m, "dns/txt"); });
  return dns ? Status::Unknown : Status::BadQuery;
}

Status read_hashes(const TagList& tags, Signature& out) {
  const std::string* body = tags.find("bh");
  if (Status bad =
          require(body, Status::BodyHashMissing, Status::BodyHashEmpty);
      bad != Status::Unknown) {
    return bad;
  }
  out.body_hash = decode_base64(*body);
  const std::string* data = tags.find("b");
  if (Status bad = require(data, Status::DataMissing, Status::DataEmpty);
      bad != Status::Unknown) {
    return bad;
  }
  out.data = decode_base64(*data);
  return Status::Unknown;
}

Status read_version(const TagList& tags) {
  const std::string* version = tags.find("v");
  if (Status bad =
          require(version, Status::VersionMissing, Status::VersionEmpty);
      bad != Status::Unknown) {
    return bad;
  }
  // Signers of the last draft still exist.
  return *version == "1" || *version == "0.5" ? Status::Unknown
                                              : Status::BadVersion;
}

Status read_algorithm(const TagList& tags, Signature& out) {
  const std::string* text = tags.find("a");
  if (text == nullptr || text->empty()) return Status::AlgorithmMissing;
  out.algorithm = algorithm_by_name(*text);
  return out.algorithm ? Status::Unknown : Status::BadAlgorithm;
}

Status judge(const TagList& tags, int64_t now, int64_t drift, Signature& out) {
  using enum Status;
  Status status = require(tags.find("d"), DomainMissing, DomainEmpty);
  if (status == Unknown) {
    status = require(tags.find("s"), SelectorMissing, SelectorEmpty);
  }
  if (status == Unknown) status = read_version(tags);
  if (status == Unknown) status = read_identity(tags, out);
  if (status == Unknown) status = read_times(now, drift, out);
  if (status == Unknown) status = read_canon(tags, out);
  if (status == Unknown) status = read_algorithm(tags, out);
  if (status == Unknown) status = read_headers(tags, out);
  if (status == Unknown) status = read_length_and_query(tags, out);
  if (status == Unknown) status = read_hashes(tags, out);
  return status;
}

/// t= and x= are numbers, or the list is no signature.
bool read_time(const TagList& tags, std::string_view name,
               std::optional<int64_t>& out) {
  const std::string* text = tags.find(name);
  if (text == nullptr || text->empty()) return true;
  std::string digits = without_blanks(*text);
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return false;
  // RFC 6376, 3.5: values beyond what fits are to be taken, not refused.
  out = parse_number<int64_t>(digits).value_or(INT64_MAX / 2);
  *out = std::min(*out, INT64_MAX / 2);
  return true;
}

void malformed(Signature& out, std::string problem) {
  out.status = Status::Malformed;
  out.problem = std::move(problem);
}

}  // namespace

bool is_within(std::string_view name, std::string_view domain) {
  if (name.size() == domain.size()) return iequals(name, domain);
  return name.size() > domain.size() && iends_with(name, domain) &&
         name[name.size() - domain.size() - 1] == '.';
}

Signature read_signature(std::string_view value, int64_t now, int64_t drift) {
  Signature out;
  auto parsed = TagList::parse(value, "signature data");
  if (!parsed) {
    malformed(out, parsed.error().what);
    return out;
  }
  const TagList& tags = *parsed;
  auto text = [&](std::string_view name) {
    const std::string* found = tags.find(name);
    return found ? *found : std::string();
  };
  out.domain = without_blanks(text("d"));
  out.selector = without_blanks(text("s"));
  out.algorithm_text = without_blanks(text("a"));
  out.data_text = without_blanks(text("b"));
  out.identity = "@" + out.domain;
  out.copied = text("z");
  out.wants_report = iequals(text("r"), "y");
  for (std::string_view name : {"s", "h", "d", "b", "v", "a"}) {
    if (tags.find(name) == nullptr) {
      malformed(out, "missing parameter(s) in signature data");
      return out;
    }
  }
  if (!read_time(tags, "t", out.created)) {
    malformed(out, "invalid \"t\" value in signature data");
  } else if (!read_time(tags, "x", out.expires)) {
    malformed(out, "invalid \"x\" value in signature data");
  } else {
    out.status = judge(tags, now, drift, out);
  }
  return out;
}

std::optional<Span> find_data(std::string_view value) {
  size_t at = 0;
  std::optional<Span> found;
  while (at < value.size()) {
    size_t end = std::min(value.find(';', at), value.size());
    std::string_view tag = value.substr(at, end - at);
    size_t equals = tag.find('=');
    if (equals != std::string_view::npos &&
        trim(tag.substr(0, equals)) == "b") {
      found = Span{at + equals + 1, end};
    }
    at = end + 1;
  }
  return found;
}

}  // namespace mail::dkim
