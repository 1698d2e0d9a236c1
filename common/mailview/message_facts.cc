#include "common/mailview/message_facts.h"

#include <algorithm>
#include <cstring>

#include "common/base/hash.h"
#include "common/base/varint.h"
#include "common/imap/thread.h"
#include "common/mime/subject.h"

namespace mail::mailview {

namespace {

using View = std::optional<std::string_view>;

template <class Envelope, class Each>
void for_each_field(Envelope& e, const Each& each) {
  for (auto* one : {&e.date, &e.subject, &e.in_reply_to, &e.message_id, &e.from,
                    &e.sender, &e.reply_to, &e.to, &e.cc, &e.bcc}) {
    each(*one);
  }
}

enum Known : uint8_t { kDate = 1, kReply = 2, kId = 4, kSubject = 8 };

void put_word(std::string& out, uint64_t word) {
  out.append(reinterpret_cast<const char*>(&word), sizeof word);
}

bool take_word(std::string_view& in, uint64_t& word) {
  if (in.size() < sizeof word) return false;
  memcpy(&word, in.data(), sizeof word);
  in.remove_prefix(sizeof word);
  return true;
}

}  // namespace

std::string pack_headers(const mime::EnvelopeView& envelope) {
  std::string out;
  // Each size one larger; 0: there is no such header.
  for_each_field(envelope, [&](const View& value) {
    put_varint(out, value ? value->size() + 1 : 0);
    if (value) out += *value;
  });
  return out;
}

std::optional<HeaderFacts> HeaderFacts::unpack(std::string_view packed) {
  HeaderFacts out;
  out.text_.assign(packed.begin(), packed.end());
  std::string_view in(out.text_.data(), out.text_.size());
  bool good = true;
  for_each_field(out.envelope, [&](View& value) {
    auto size = good ? take_varint(in) : std::nullopt;
    good = size && (*size == 0 || *size - 1 <= in.size());
    if (!good || *size == 0) return;
    value = in.substr(0, *size - 1);
    in.remove_prefix(*size - 1);
  });
  if (!good) return std::nullopt;
  return out;
}

MessageKeys keys_of(const mime::EnvelopeScan& scan) {
  const mime::EnvelopeView& e = scan.fields();
  MessageKeys out;
  if (e.date) out.date = mime::read_date(*e.date);
  if (e.message_id) {
    auto ids = imap::read_message_ids(*e.message_id, 1);
    if (!ids.empty()) out.id = imap::thread_key(ids[0]);
  }
  auto references = imap::read_message_ids(scan.references().value_or(""));
  if (references.empty() && e.in_reply_to) {
    references = imap::read_message_ids(*e.in_reply_to, 1);
  }
  for (const std::string& id : references) {
    out.references.push_back(imap::thread_key(id));
  }
  auto base = mime::base_subject(e.subject.value_or(""));
  out.subject = imap::thread_key(base.text);
  out.reply = base.reply;
  return out;
}

std::string pack_keys(const MessageKeys& keys) {
  auto known =
      static_cast<uint8_t>((keys.date ? kDate : 0) | (keys.reply ? kReply : 0) |
                           (keys.id ? kId : 0) | (keys.subject ? kSubject : 0));
  std::string out(1, static_cast<char>(known));
  if (keys.date) {
    put_varint(out, fold_sign(keys.date->seconds));
    put_varint(out, fold_sign(keys.date->offset));
  }
  if (keys.id) put_word(out, keys.id);
  if (keys.subject) put_word(out, keys.subject);
  for (uint64_t one : keys.references) put_word(out, one);
  return out;
}

bool unpack_keys(std::string_view packed, MessageKeys& out) {
  if (packed.empty()) return false;
  auto known = static_cast<uint8_t>(packed[0]);
  packed.remove_prefix(1);
  out.date.reset();
  if (known & kDate) {
    auto seconds = take_varint(packed), offset = take_varint(packed);
    if (!seconds || !offset) return false;
    out.date = mime::HeaderDate{unfold_sign(*seconds),
                                static_cast<int>(unfold_sign(*offset))};
  }
  out.reply = known & kReply;
  out.id = out.subject = 0;
  if (known & kId && !take_word(packed, out.id)) return false;
  if (known & kSubject && !take_word(packed, out.subject)) return false;
  if (packed.size() % sizeof(uint64_t)) return false;
  out.references.resize(packed.size() / sizeof(uint64_t));
  for (uint64_t& one : out.references) (void)take_word(packed, one);
  return true;
}

}  // namespace mail::mailview
