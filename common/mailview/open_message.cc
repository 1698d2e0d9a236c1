#include "common/mailview/open_message.h"

#include "common/base/ascii.h"
#include "common/imap/envelope.h"

namespace mail::mailview {
namespace {

constexpr std::string_view kHeaders = "headers", kKeys = "keys";

/// The envelope's headers and the keys of a message whose index knows them
/// not, or not well; both are put there, for the header is read.
Result<> learn(OpenMessage& open, mailbox::Mailbox& mailbox, uint32_t uid,
               std::string& headers, MessageKeys& keys) {
  auto* reader = TRY(open.open(mailbox, uid));
  std::string held;
  std::string_view header =
      TRY(reader->peek(0, mailbox::MessageReader::Ahead::Little));
  // Mostly all of it is there; the scan itself stops at the empty line.
  if (header.size() < reader->size() && header.find("\n\n") == header.npos) {
    held = TRY(reader->read_header());
    header = held;
  }
  mime::EnvelopeScan scan(header);
  headers = pack_headers(scan.fields());
  keys = keys_of(scan);
  mailbox.put_cached(uid, kHeaders, headers);
  mailbox.put_cached(uid, kKeys, pack_keys(keys));
  return {};
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
    std::string_view chunk;
    for (uint64_t at = 0;; at += chunk.size()) {
      chunk = TRY(reader->peek(at));
      if (chunk.empty()) break;
      parser.feed(chunk);
    }
    structure_ = parser.finish();
  }
  return &*structure_;
}

Result<> put_envelope(std::string& out, OpenMessage& open,
                      mailbox::Mailbox& mailbox, uint32_t uid) {
  HeaderFacts facts = TRY(header_facts(open, mailbox, uid));
  imap::put_envelope(out, facts.envelope);
  return {};
}

Result<std::string> envelope_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                  uint32_t uid) {
  std::string out;
  TRY(put_envelope(out, open, mailbox, uid));
  return out;
}

Result<std::string> structure_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                   uint32_t uid, bool extended) {
  std::string_view field = extended ? "bodystructure" : "body";
  if (auto cached = mailbox.cached(uid, field)) return std::string(*cached);
  const mime::Part* part = TRY(open.structure(mailbox, uid));
  std::string out;
  imap::put_body_structure(out, *part, extended);
  mailbox.put_cached(uid, field, out);
  return out;
}

Result<HeaderFacts> header_facts(OpenMessage& open, mailbox::Mailbox& mailbox,
                                 uint32_t uid) {
  if (auto cached = mailbox.cached(uid, kHeaders)) {
    if (auto facts = HeaderFacts::unpack(*cached)) return std::move(*facts);
  }
  std::string headers;
  MessageKeys keys;
  TRY(learn(open, mailbox, uid, headers, keys));
  return std::move(*HeaderFacts::unpack(headers));
}

Result<> message_keys(OpenMessage& open, mailbox::Mailbox& mailbox,
                      uint32_t uid, MessageKeys& out) {
  if (auto cached = mailbox.cached(uid, kKeys)) {
    if (unpack_keys(*cached, out)) return {};
  }
  std::string headers;
  return learn(open, mailbox, uid, headers, out);
}

}  // namespace mail::mailview
