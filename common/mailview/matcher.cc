#include "common/mailview/matcher.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "common/mailview/part_text.h"
#include "common/mime/charset.h"
#include "common/mime/codec.h"
#include "common/mime/date_parse.h"

namespace mail::mailview {
namespace {

using imap::SearchKey;
using Kind = SearchKey::Kind;
using mime::Part;

constexpr size_t kMaxMessage = 256 << 20;

int64_t local_day(int64_t seconds) {
  std::time_t t = seconds;
  std::tm local{};
  localtime_r(&t, &local);
  int64_t shifted = seconds + local.tm_gmtoff;
  return shifted >= 0 ? shifted / 86400 : -((86399 - shifted) / 86400);
}

/// seconds: since 1970; day: of the zone that counts.
bool compare_date(const SearchKey& key, int64_t seconds, int64_t day) {
  auto other = static_cast<int64_t>(key.number);
  int64_t value = key.exact ? seconds : day;
  if (key.kind == Kind::Before) return value < other;
  if (key.kind == Kind::On) return value == other;
  return value >= other;
}

/// How dear a key is: cheap ones are judged first.
int cost(const SearchKey& key) {
  switch (key.kind) {
    case Kind::Sequence:
    case Kind::Uid:
    case Kind::Saved:
    case Kind::All:
    case Kind::Recent:
      return 0;
    case Kind::Flag:
    case Kind::ModSeq:
      return 1;
    case Kind::Header:
      return 5;
    case Kind::Text:
    case Kind::Body:
      return 9;
    case Kind::And:
    case Kind::Or: {
      int most = 0;
      for (const SearchKey& child : key.children) {
        most = std::max(most, cost(child));
      }
      return most;
    }
    default:
      return key.date == SearchKey::Date::Sent ? 5 : 3;
  }
}

bool asks_modseq(const SearchKey& key) {
  if (key.kind == Kind::ModSeq) return true;
  return std::any_of(key.children.begin(), key.children.end(), asks_modseq);
}

const std::optional<std::string_view>* envelope_field(
    const mime::EnvelopeView& e, std::string_view name) {
  if (name == "SUBJECT") return &e.subject;
  if (name == "FROM") return &e.from;
  if (name == "TO") return &e.to;
  if (name == "CC") return &e.cc;
  if (name == "BCC") return &e.bcc;
  if (name == "DATE") return &e.date;
  if (name == "MESSAGE-ID") return &e.message_id;
  if (name == "IN-REPLY-TO") return &e.in_reply_to;
  return nullptr;
}

std::string_view range_of(std::string_view message, uint64_t at,
                          uint64_t size) {
  if (at >= message.size()) return {};
  return message.substr(static_cast<size_t>(at), static_cast<size_t>(size));
}

/// Eight characters at a time; all are below 128.
void upper_ascii(std::string& text) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighBits = kOnes << 7;
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= text.size(); at += sizeof(uint64_t)) {
    uint64_t eight;
    memcpy(&eight, text.data() + at, sizeof(eight));
    uint64_t from_a = eight + kOnes * (128 - 'a');
    uint64_t behind_z = eight + kOnes * (127 - 'z');
    eight -= (from_a & ~behind_z & kHighBits) >> 2;  // 'a' - 'A'
    memcpy(text.data() + at, &eight, sizeof(eight));
  }
  for (; at < text.size(); ++at) text[at] = to_upper(text[at]);
}

}  // namespace

bool contains_text(std::string_view haystack, std::string_view key) {
  if (key.empty()) return true;
  if (!is_ascii(haystack)) {
    std::string mapped = mime::casemap(haystack);
    return memmem(mapped.data(), mapped.size(), key.data(), key.size());
  }
  if (haystack.size() < key.size() || !is_ascii(key)) return false;
  // One buffer for all searches.
  thread_local std::string scratch;
  scratch = haystack;
  upper_ascii(scratch);
  bool found = memmem(scratch.data(), scratch.size(), key.data(), key.size());
  if (scratch.capacity() > 4 << 20) std::string().swap(scratch);
  return found;
}

Matcher::Matcher(mailbox::Mailbox& box, OpenMessage& open,
                 const std::set<uint32_t>& saved, SearchKey program,
                 std::string_view charset, int64_t now)
    : box_(box),
      open_(open),
      saved_(saved),
      program_(std::move(program)),
      now_(now),
      wants_modseq_(asks_modseq(program_)) {
  prepare(program_, charset);
}

void Matcher::prepare(SearchKey& key, std::string_view charset) {
  if (key.kind == Kind::Header || key.kind == Kind::Body ||
      key.kind == Kind::Text) {
    key.value = mime::casemap(mime::to_utf8(key.value, charset));
  }
  for (SearchKey& child : key.children) prepare(child, charset);
  std::stable_sort(
      key.children.begin(), key.children.end(),
      [](const SearchKey& a, const SearchKey& b) { return cost(a) < cost(b); });
}

std::optional<uint64_t> Matcher::modseq() const {
  if (!wants_modseq_) return std::nullopt;
  return modseq_;
}

bool Matcher::matches_all() const {
  if (program_.negate) return false;
  return program_.kind == Kind::All ||
         (program_.kind == Kind::And && program_.children.size() == 1 &&
          program_.children[0].kind == Kind::All &&
          !program_.children[0].negate);
}

Result<bool> Matcher::matches(uint32_t seq, uint32_t uid) {
  auto message = box_.find(uid);
  if (!message) return false;
  seq_ = seq;
  uid_ = uid;
  message_ = *message;
  facts_.reset();
  raw_.reset();
  structure_.reset();
  auto result = judge(program_);
  if (!result && result.error().sys == ENOENT) return false;
  if (result && *result) modseq_ = std::max(modseq_, message_.modseq);
  return result;
}

Result<bool> Matcher::judge(const SearchKey& key) {
  bool value = false;
  if (key.kind == Kind::And) {
    value = true;
    for (const SearchKey& child : key.children) {
      value = TRY(judge(child));
      if (!value) break;
    }
  } else if (key.kind == Kind::Or) {
    for (const SearchKey& child : key.children) {
      value = TRY(judge(child));
      if (value) break;
    }
  } else {
    value = TRY(judge_plain(key));
  }
  return value != key.negate;
}

Result<bool> Matcher::judge_plain(const SearchKey& key) {
  switch (key.kind) {
    case Kind::All:
    case Kind::SaveDateSupported:
      return true;
    case Kind::Sequence:
      return key.set.contains(seq_);
    case Kind::Uid:
      return key.set.contains(uid_);
    case Kind::Saved:
      return saved_.count(uid_) > 0;
    case Kind::Flag:
      return judge_flag(key);
    case Kind::Recent:
      return message_.recent;
    case Kind::Before:
    case Kind::On:
    case Kind::Since:
      return judge_date(key);
    case Kind::Older:
    case Kind::Younger: {
      int64_t date = TRY(box_.internal_date(uid_));
      int64_t edge = now_ - static_cast<int64_t>(key.number);
      return key.kind == Kind::Older ? date <= edge : date >= edge;
    }
    case Kind::Larger:
      return TRY(box_.virtual_size(uid_)) > key.number;
    case Kind::Smaller:
      return TRY(box_.virtual_size(uid_)) < key.number;
    case Kind::ModSeq:
      return message_.modseq >= key.number;
    case Kind::Header:
      return judge_header(key);
    case Kind::Body:
      return judge_text(key, false);
    case Kind::Text:
      return judge_text(key, true);
    case Kind::Guid:
      return TRY(box_.message_guid(uid_)) == key.value;
    case Kind::Mailbox:
      return box_.name() == key.value;
    default:
      return false;
  }
}

Result<bool> Matcher::judge_flag(const SearchKey& key) {
  if (key.value.empty()) {
    mailbox::Flags flag = mailbox::flag_of(key.word);
    return (message_.flags & flag) != 0;
  }
  const auto& names = box_.keywords();
  for (size_t i = 0; i < names.size(); ++i) {
    if (iequals(names[i], key.word)) return (message_.keywords >> i & 1) != 0;
  }
  return false;
}

Result<bool> Matcher::judge_date(const SearchKey& key) {
  if (key.date == SearchKey::Date::Sent) {
    TRY(message_keys(open_, box_, uid_, keys_));
    // Without a date it was sent in 1970, as the original has it.
    auto date = keys_.date.value_or(mime::HeaderDate{});
    int64_t shifted = date.seconds + date.offset;
    int64_t day = shifted >= 0 ? shifted / 86400 : -((86399 - shifted) / 86400);
    return compare_date(key, date.seconds, day);
  }
  int64_t date = key.date == SearchKey::Date::Saved
                     ? TRY(box_.save_date(uid_))
                     : TRY(box_.internal_date(uid_));
  return compare_date(key, date, local_day(date));
}

Result<bool> Matcher::judge_header(const SearchKey& key) {
  if (!facts_) facts_ = TRY(header_facts(open_, box_, uid_));
  if (const auto* field = envelope_field(facts_->envelope, key.word)) {
    if (!*field) return false;
    return contains_text(mime::decode_words(**field), key.value);
  }
  auto* reader = TRY(open_.open(box_, uid_));
  std::string header = TRY(reader->read_header());
  for (const std::string& value : header_values(header, key.word)) {
    if (contains_text(mime::decode_words(value), key.value)) return true;
  }
  return false;
}

bool Matcher::text_in_part(const Part& part, std::string_view message,
                           std::string_view key, bool with_headers) {
  if (key.empty()) return true;
  if (with_headers) {
    std::string_view header =
        range_of(message, part.header_at, part.header_size);
    if (contains_text(mime::decode_words(header), key)) return true;
  }
  for (const Part& child : part.children) {
    if (text_in_part(child, message, key, with_headers)) return true;
  }
  if (part.kind != Part::Kind::Leaf || part.type != "text") return false;
  std::string_view body = range_of(message, part.body_at, part.body_size);
  std::string decoded;
  if (part.encoded_as("base64")) {
    decoded = mime::decode_base64_loose(body);
    body = decoded;
  } else if (part.encoded_as("quoted-printable")) {
    decoded = mime::decode_quoted_printable(body);
    body = decoded;
  }
  const std::string* charset = part.parameter("charset");
  if (charset && !is_ascii(body) && !mime::is_utf8_charset(*charset)) {
    return contains_text(mime::to_utf8(body, *charset), key);
  }
  return contains_text(body, key);
}

Result<bool> Matcher::judge_text(const SearchKey& key, bool with_headers) {
  if (!raw_) {
    auto* reader = TRY(open_.open(box_, uid_));
    raw_ = TRY(reader->read_all(kMaxMessage));
    structure_ = mime::parse_structure(*raw_);
  }
  return text_in_part(*structure_, *raw_, key.value, with_headers);
}

}  // namespace mail::mailview
