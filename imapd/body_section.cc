#include "imapd/body_section.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/ascii.h"
#include "common/imap/quote.h"
#include "common/mailview/part_text.h"

namespace mail::imapd {
namespace {

using imap::BodySection;
using What = BodySection::What;
using mime::Part;

constexpr size_t kSlice = 65536;
constexpr size_t kMaxDecoded = 128 << 20;

/// Bytes of the message with CRLF line ends.
struct Range {
  uint64_t at = 0, size = 0;
};

void cut(const BodySection& section, Range& range) {
  if (!section.partial) return;
  uint64_t skip = std::min(section.offset, range.size);
  range.at += skip;
  range.size = std::min(range.size - skip, section.size);
}

// A literal must not hold NUL (RFC 3501, CHAR8).
void replace_nul(std::string& out, size_t from) {
  while (auto* nul = static_cast<char*>(
             std::memchr(out.data() + from, 0, out.size() - from))) {
    *nul = '\x80';
    from = static_cast<size_t>(nul - out.data()) + 1;
  }
}

net::Task<Result<>> send_range(Session& session, mailbox::MessageReader& reader,
                               Range range) {
  std::string& out = session.output();
  while (range.size > 0) {
    size_t want = static_cast<size_t>(std::min<uint64_t>(range.size, kSlice));
    size_t before = out.size();
    auto got = reader.read_crlf(range.at, want, out);
    if (!got) co_return fail(Fault::Protocol, got.error().what);
    replace_nul(out, before);
    size_t n = out.size() - before;
    if (n == 0) {
      co_return fail(Fault::Protocol, "message is smaller than expected");
    }
    range.at += n;
    range.size -= n;
    bool alive = co_await session.breathe();
    if (!alive) co_return fail_errno("client", EPIPE);
  }
  co_return Result<>{};
}

void put_label(std::string& out, const BodySection& section) {
  out += section.label;
  out += ' ';
}

net::Task<Result<>> write_range(Session& session,
                                mailbox::MessageReader& reader,
                                const BodySection& section, Range range) {
  cut(section, range);
  put_label(session.output(), section);
  imap::put_literal_size(session.output(), range.size);
  auto sent = co_await send_range(session, reader, range);
  co_return sent;
}

Result<> write_text(Session& session, const BodySection& section,
                    std::string_view text, bool literal8 = false) {
  Range range{0, text.size()};
  cut(section, range);
  std::string& out = session.output();
  put_label(out, section);
  if (literal8) out += '~';
  imap::put_literal_size(out, range.size);
  size_t before = out.size();
  out += text.substr(range.at, range.size);
  if (!literal8) replace_nul(out, before);
  return {};
}

/// The part's own header or, of a message part, that of the message inside.
std::optional<Range> header_range(const Part* part, What what, bool root) {
  if (!part) return std::nullopt;
  if (!root && what != What::Mime) {
    if (part->kind != Part::Kind::Message) return std::nullopt;
    part = &part->children[0];
  }
  return Range{part->virtual_header_at(), part->virtual_header_size()};
}

std::optional<Range> body_range(const Part* part, What what, bool root) {
  if (!part) return std::nullopt;
  if (what == What::Text && !root) {
    if (part->kind != Part::Kind::Message) return std::nullopt;
    part = &part->children[0];
  }
  return Range{part->virtual_body_at(), part->virtual_body_size()};
}

/// The header lines whose names are, or are not, among `fields`; with the
/// empty line.
std::string filter_header(std::string_view header, const BodySection& section) {
  std::string out;
  bool wanted = false;
  bool inverse = section.what == What::HeaderFieldsNot;
  for (size_t at = 0; at < header.size();) {
    size_t end = header.find('\n', at);
    end = end == std::string_view::npos ? header.size() : end + 1;
    std::string_view line = header.substr(at, end - at);
    at = end;
    if (line == "\r\n" || line == "\n") break;
    if (line[0] != ' ' && line[0] != '\t') {
      size_t colon = line.find(':');
      std::string_view name = trim_right(line.substr(0, colon));
      bool named = colon != std::string_view::npos &&
                   std::any_of(section.fields.begin(), section.fields.end(),
                               [&](const std::string& field) {
                                 return iequals(field, name);
                               });
      wanted = colon == std::string_view::npos ? inverse : named != inverse;
    }
    if (!wanted) continue;
    out += line;
    if (!line.ends_with('\n')) out += "\r\n";
  }
  out += "\r\n";
  return out;
}

Result<std::string> read_range(mailbox::MessageReader& reader, Range range) {
  std::string out;
  while (range.size > 0) {
    size_t before = out.size();
    TRY(reader.read_crlf(range.at, static_cast<size_t>(range.size), out));
    size_t n = out.size() - before;
    if (n == 0) break;
    range.at += n;
    range.size -= n;
  }
  return out;
}

/// HEADER, HEADER.FIELDS of the whole message: no structure is needed, and
/// what clients ask for again and again is kept in the index.
Result<std::string> message_header(Session& session, uint32_t uid,
                                   const BodySection& section) {
  mailbox::Mailbox& box = *session.selected();
  std::string key;
  if (section.what == What::HeaderFields) {
    key = "hdr";
    for (const std::string& field : section.fields) key += "." + field;
    if (auto cached = box.cached(uid, key)) return std::string(*cached);
  }
  auto* reader = TRY(session.message().open(box, uid));
  std::string raw = TRY(reader->read_header());
  std::string out;
  mailview::append_crlf(out, raw);
  if (section.what == What::Header) return out;
  out = filter_header(out, section);
  if (!key.empty()) box.put_cached(uid, key, out);
  return out;
}

net::Task<Result<>> write_whole(Session& session, uint32_t uid,
                                const BodySection& section) {
  mailbox::Mailbox& box = *session.selected();
  auto opened = session.message().open(box, uid);
  mailbox::MessageReader* reader = CO_TRY(opened);
  auto size = box.virtual_size(uid);
  CO_CHECK(size);
  session.statistics().body_count++;
  session.statistics().body_bytes += *size;
  Range range{0, *size};
  if (section.what == What::Text) {
    auto header = reader->read_header();
    CO_CHECK(header);
    std::string crlf;
    mailview::append_crlf(crlf, *header);
    range.at = std::min<uint64_t>(crlf.size(), *size);
    range.size = *size - range.at;
  }
  auto done = co_await write_range(session, *reader, section, range);
  co_return done;
}

Result<> append_binary_body(mailbox::MessageReader& reader, const Part& part,
                            std::string& out);

/// BINARY[] of what has parts: the same bytes, with decoded leaves whose
/// headers say "binary".
Result<> append_binary(mailbox::MessageReader& reader, const Part& part,
                       std::string& out) {
  Range header{part.virtual_header_at(), part.virtual_header_size()};
  if (part.kind == Part::Kind::Leaf && mailview::is_encoded(part)) {
    BodySection without;
    without.what = What::HeaderFieldsNot;
    without.fields = {"CONTENT-TRANSFER-ENCODING"};
    std::string text = filter_header(TRY(read_range(reader, header)), without);
    text.resize(text.size() - 2);
    out += text + "Content-Transfer-Encoding: binary\r\n\r\n";
    std::string body = TRY(mailview::decoded_body(reader, part));
    if (part.encoded_as("base64")) {
      out += body;
    } else {
      mailview::append_crlf(out, body);
    }
    return {};
  }
  out += TRY(read_range(reader, header));
  return append_binary_body(reader, part, out);
}

Result<> append_binary_body(mailbox::MessageReader& reader, const Part& part,
                            std::string& out) {
  uint64_t at = part.virtual_body_at();
  uint64_t end = at + part.virtual_body_size();
  for (const Part& child : part.children) {
    out += TRY(read_range(reader, {at, child.virtual_header_at() - at}));
    TRY(append_binary(reader, child, out));
    at = child.virtual_body_at() + child.virtual_body_size();
    if (out.size() > kMaxDecoded) {
      return fail(Fault::Permanent, "Message is too large for BINARY");
    }
  }
  if (end > at) out += TRY(read_range(reader, {at, end - at}));
  return {};
}

bool any_encoded(const Part& part) {
  if (mailview::is_encoded(part)) return true;
  return std::any_of(part.children.begin(), part.children.end(), any_encoded);
}

Result<std::string> binary_text(mailbox::MessageReader& reader,
                                const Part& part, bool whole) {
  std::string out;
  if (part.kind == Part::Kind::Leaf && !whole) {
    std::string body = TRY(mailview::decoded_body(reader, part));
    if (part.encoded_as("base64")) return body;
    mailview::append_crlf(out, body);
    return out;
  }
  if (whole) {
    TRY(append_binary(reader, part, out));
  } else {
    TRY(append_binary_body(reader, part, out));
  }
  return out;
}

net::Task<Result<>> write_binary(Session& session, uint32_t uid,
                                 const BodySection& section) {
  mailbox::Mailbox& box = *session.selected();
  auto root = session.message().structure(box, uid);
  CO_CHECK(root);
  auto reader = session.message().open(box, uid);
  CO_CHECK(reader);
  const Part* part = mime::find_part(**root, section.part);
  bool decode = part && any_encoded(*part);
  if (section.binary_size) {
    uint64_t size = 0;
    if (part && decode) {
      auto text = binary_text(**reader, *part, section.part.empty());
      CO_CHECK(text);
      size = text->size();
    } else if (part) {
      size = section.part.empty()
                 ? part->virtual_header_size() + part->virtual_body_size()
                 : part->virtual_body_size();
    }
    put_label(session.output(), section);
    imap::put_number(session.output(), size);
    co_return Result<>{};
  }
  if (!part) co_return write_text(session, section, "");
  if (decode) {
    auto text = binary_text(**reader, *part, section.part.empty());
    CO_CHECK(text);
    co_return write_text(session, section, *text, /*literal8=*/true);
  }
  Range range{part->virtual_body_at(), part->virtual_body_size()};
  if (section.part.empty()) {
    range = {0, part->virtual_header_size() + part->virtual_body_size()};
  }
  auto done = co_await write_range(session, **reader, section, range);
  co_return done;
}

net::Task<Result<>> write_part(Session& session, uint32_t uid,
                               const BodySection& section) {
  mailbox::Mailbox& box = *session.selected();
  auto root = session.message().structure(box, uid);
  CO_CHECK(root);
  auto reader = session.message().open(box, uid);
  CO_CHECK(reader);
  const Part* part = mime::find_part(**root, section.part);
  bool header = section.what == What::Header || section.what == What::Mime ||
                section.what == What::HeaderFields ||
                section.what == What::HeaderFieldsNot;
  auto range = header ? header_range(part, section.what, false)
                      : body_range(part, section.what, false);
  if (!range) co_return write_text(session, section, "");
  session.statistics().body_count++;
  session.statistics().body_bytes += range->size;
  if (section.what == What::HeaderFields ||
      section.what == What::HeaderFieldsNot) {
    auto text = read_range(**reader, *range);
    CO_CHECK(text);
    co_return write_text(session, section, filter_header(*text, section));
  }
  auto done = co_await write_range(session, **reader, section, *range);
  co_return done;
}

}  // namespace

net::Task<Result<>> write_section(Session& session, uint32_t uid,
                                  const BodySection& section) {
  if (section.binary || section.binary_size) {
    auto done = co_await write_binary(session, uid, section);
    co_return done;
  }
  if (!section.part.empty()) {
    auto done = co_await write_part(session, uid, section);
    co_return done;
  }
  if (section.what == What::All || section.what == What::Text) {
    auto done = co_await write_whole(session, uid, section);
    co_return done;
  }
  auto header = message_header(session, uid, section);
  CO_CHECK(header);
  session.statistics().header_count++;
  session.statistics().header_bytes += header->size();
  co_return write_text(session, section, *header);
}

}  // namespace mail::imapd
