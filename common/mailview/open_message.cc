#include "common/mailview/open_message.h"

#include "common/base/ascii.h"
#include "common/imap/envelope.h"

namespace mail::mailview {
namespace {

constexpr size_t kChunk = 65536;

void put_value(std::string& out, const std::optional<std::string>& value) {
  uint32_t n = value ? static_cast<uint32_t>(value->size()) : UINT32_MAX;
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(n >> (8 * i)));
  if (value) out += *value;
}

bool take_value(std::string_view& in, std::optional<std::string>& value) {
  if (in.size() < 4) return false;
  uint32_t n = 0;
  for (unsigned i = 0; i < 4; ++i) {
    n |= static_cast<uint32_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  in.remove_prefix(4);
  value.reset();
  if (n == UINT32_MAX) return true;
  if (n > in.size()) return false;
  value = std::string(in.substr(0, n));
  in.remove_prefix(n);
  return true;
}

std::string pack(const HeaderFacts& facts) {
  std::string out;
  const auto& e = facts.envelope;
  for (const auto* v :
       {&e.date, &e.subject, &e.in_reply_to, &e.message_id, &e.from, &e.to,
        &e.cc, &e.bcc, &e.sender, &e.reply_to}) {
    put_value(out, *v);
  }
  put_value(out, facts.references);
  return out;
}

bool unpack(std::string_view in, HeaderFacts& facts) {
  auto& e = facts.envelope;
  for (auto* v : {&e.date, &e.subject, &e.in_reply_to, &e.message_id, &e.from,
                  &e.to, &e.cc, &e.bcc, &e.sender, &e.reply_to}) {
    if (!take_value(in, *v)) return false;
  }
  std::optional<std::string> references;
  if (!take_value(in, references)) return false;
  facts.references = references.value_or("");
  return true;
}

/// The value of the last References header of a header block.
std::string references_of(std::string_view header) {
  constexpr std::string_view kName = "references:";
  std::string out;
  for (size_t at = 0; at < header.size();) {
    size_t end = header.find('\n', at);
    if (end == std::string_view::npos) end = header.size();
    std::string_view line = header.substr(at, end - at);
    at = end + 1;
    if (!istarts_with(line, kName)) continue;
    out = line.substr(kName.size());
    while (at < header.size() && (header[at] == ' ' || header[at] == '\t')) {
      end = header.find('\n', at);
      if (end == std::string_view::npos) end = header.size();
      out += header.substr(at, end - at);
      at = end + 1;
    }
  }
  return out;
}

}  // namespace

void OpenMessage::close() {
  uid_ = 0;
  reader_.reset();
  structure_.reset();
}

Result<mailbox::MessageReader*> OpenMessage::open(mailbox::Mailbox& mailbox,
                                                  uint32_t uid) {
  if (uid_ != uid || !reader_) {
    close();
    reader_ = TRY(mailbox.open_message(uid));
    uid_ = uid;
  }
  return reader_.get();
}

Result<const mime::Part*> OpenMessage::structure(mailbox::Mailbox& mailbox,
                                                 uint32_t uid) {
  mailbox::MessageReader* reader = TRY(open(mailbox, uid));
  if (!structure_) {
    mime::StructureParser parser;
    std::string chunk;
    for (uint64_t at = 0;; at += chunk.size()) {
      chunk.clear();
      TRY(reader->read(at, kChunk, chunk));
      if (chunk.empty()) break;
      parser.feed(chunk);
    }
    structure_ = parser.finish();
  }
  return &*structure_;
}

Result<std::string> envelope_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                  uint32_t uid) {
  if (auto cached = mailbox.cached(uid, "envelope")) return *cached;
  // Who asks for envelopes searches and sorts too: the header is read once.
  HeaderFacts facts = TRY(header_facts(open, mailbox, uid));
  std::string out;
  imap::put_envelope(out, facts.envelope);
  mailbox.put_cached(uid, "envelope", out);
  return out;
}

Result<std::string> structure_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                   uint32_t uid, bool extended) {
  std::string_view field = extended ? "bodystructure" : "body";
  if (auto cached = mailbox.cached(uid, field)) return *cached;
  const mime::Part* part = TRY(open.structure(mailbox, uid));
  std::string out;
  imap::put_body_structure(out, *part, extended);
  mailbox.put_cached(uid, field, out);
  return out;
}

Result<HeaderFacts> header_facts(OpenMessage& open, mailbox::Mailbox& mailbox,
                                 uint32_t uid) {
  HeaderFacts facts;
  if (auto cached = mailbox.cached(uid, "headers")) {
    if (unpack(*cached, facts)) return facts;
  }
  auto* reader = TRY(open.open(mailbox, uid));
  std::string header = TRY(reader->read_header());
  facts.references = references_of(header);
  mime::Part part = mime::parse_structure(header);
  facts.envelope = std::move(*part.envelope);
  mailbox.put_cached(uid, "headers", pack(facts));
  return facts;
}

Result<std::optional<std::string>> date_header(OpenMessage& open,
                                               mailbox::Mailbox& mailbox,
                                               uint32_t uid) {
  std::optional<std::string> date;
  if (auto cached = mailbox.cached(uid, "headers")) {
    std::string_view packed = *cached;  // the date stands first
    if (take_value(packed, date)) return date;
  }
  HeaderFacts facts = TRY(header_facts(open, mailbox, uid));
  return std::move(facts.envelope.date);
}

}  // namespace mail::mailview
