// Fields that are parts of the message's text.
#include <algorithm>

#include "common/base/ascii.h"
#include "common/imap/fetch_items.h"
#include "common/mailview/part_text.h"
#include "common/mime/charset.h"
#include "common/mime/envelope_address.h"
#include "tools/doveadm/mail/fields.h"

namespace mail::doveadm {

namespace {

using What = imap::BodySection::What;
using mime::Part;

constexpr size_t kSlice = 1 << 20;

Result<std::string> read_range(mailbox::MessageReader& reader, uint64_t at,
                               uint64_t size) {
  std::string out;
  while (out.size() < size) {
    size_t before = out.size();
    TRY(reader.read(at + before, std::min<size_t>(kSlice, size - before), out));
    if (out.size() == before) break;
  }
  return out;
}

Result<std::string> section_text(Fetched& m, const imap::BodySection& section) {
  const Part* root = TRY(m.open.structure(m.box, m.uid));
  auto* reader = TRY(m.open.open(m.box, m.uid));
  const Part* part =
      section.part.empty() ? root : mime::find_part(*root, section.part);
  if (!part) return std::string();
  bool inner = !section.part.empty() && section.what != What::All &&
               section.what != What::Mime;
  if (inner) {  // HEADER and TEXT of a part are the message's inside
    if (part->kind != Part::Kind::Message) return std::string();
    part = &part->children[0];
  }
  if (section.binary && section.what == What::All &&
      part->kind == Part::Kind::Leaf && mailview::is_encoded(*part)) {
    std::string body = TRY(mailview::decoded_body(*reader, *part));
    if (part->encoded_as("base64")) return body;
    std::string out;
    mailview::append_crlf(out, body);
    return out;
  }
  bool header = section.what == What::Header || section.what == What::Mime;
  uint64_t at = header ? part->header_at : part->body_at;
  uint64_t size = header ? part->header_size : part->body_size;
  if (section.part.empty() && section.what == What::All) {
    at = 0;
    size = reader->size();
  }
  std::string out;
  mailview::append_crlf(out, TRY(read_range(*reader, at, size)));
  return out;
}

enum class AddressForm { None, Address, AddressName };

/// The addresses (or their names) of a header, a line each.
std::string addresses(std::string_view value, AddressForm filter) {
  std::vector<std::string> out;
  for (const auto& one : mime::read_addresses(value)) {
    if (!one.mailbox || !one.domain) continue;  // of a group
    if (filter == AddressForm::AddressName) {
      out.push_back(one.name.value_or(""));
    } else {
      out.push_back(one.domain->empty() ? *one.mailbox
                                        : *one.mailbox + "@" + *one.domain);
    }
  }
  return join(out, "\n");
}

/// Headers and texts of all parts, as UTF-8 without encodings.
Result<> put_utf8(mailbox::MessageReader& reader, const Part& part,
                  std::string& out) {
  std::string header =
      TRY(read_range(reader, part.header_at, part.header_size));
  for (size_t at = 0; at < header.size();) {
    size_t end = header.find('\n', at);
    while (end + 1 < header.size() &&
           (header[end + 1] == ' ' || header[end + 1] == '\t')) {
      end = header.find('\n', end + 1);
    }
    end = std::min(end, header.size() - 1);
    std::string_view line(header.data() + at, end - at);
    out += mime::decode_words(trim_right(line)) + "\n";
    at = end + 1;
  }
  for (const Part& child : part.children) TRY(put_utf8(reader, child, out));
  if (part.kind != Part::Kind::Leaf || part.type != "text") return {};
  std::string body = TRY(mailview::decoded_body(reader, part));
  const std::string* charset = part.parameter("charset");
  out += mime::to_utf8(body, charset ? *charset : "utf-8");
  return {};
}

bool take_suffix(std::string& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.resize(name.size() - suffix.size());
  return true;
}

}  // namespace

Result<std::string> utf8_text(Fetched& m) {
  const Part* root = TRY(m.open.structure(m.box, m.uid));
  auto* reader = TRY(m.open.open(m.box, m.uid));
  std::string out;
  TRY(put_utf8(*reader, *root, out));
  return out;
}

Result<FetchField> header_field(std::string_view name) {
  FetchField out;
  out.name = name;
  std::string header(name.substr(4));
  bool utf8 = take_suffix(header, ".utf8");
  AddressForm filter = take_suffix(header, ".address_name")
                           ? AddressForm::AddressName
                       : take_suffix(header, ".address") ? AddressForm::Address
                                                         : AddressForm::None;
  out.value = [=](Fetched& m) -> Result<std::string> {
    auto* reader = TRY(m.open.open(m.box, m.uid));
    auto values = mailview::header_values(TRY(reader->read_header()), header);
    for (std::string& value : values) {
      if (filter != AddressForm::None) value = addresses(value, filter);
      if (utf8) value = mime::decode_words(value);
    }
    return join(values, "\n");
  };
  return out;
}

Result<FetchField> section_field(std::string_view name, bool binary) {
  std::string section(name.substr(name.find('.') + 1));
  imap::Args args;
  args.push_back(
      {imap::Arg::Kind::Atom, "BODY.PEEK[" + upper(section) + "]", {}});
  size_t at = 0;
  auto items = imap::parse_fetch_items(args, at);
  if (!items || items->size() != 1 || section.empty() ||
      (*items)[0].section.what == What::HeaderFields ||
      (*items)[0].section.what == What::HeaderFieldsNot) {
    return fail(Fault::Protocol, "Unknown fetch section: " + section);
  }
  FetchField out;
  out.name = name;
  out.text = true;
  out.value = [binary, wanted = (*items)[0].section](
                  Fetched& m) -> Result<std::string> {
    imap::BodySection mine = wanted;
    mine.binary = binary;
    return section_text(m, mine);
  };
  return out;
}

}  // namespace mail::doveadm
