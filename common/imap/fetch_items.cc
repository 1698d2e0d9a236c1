#include "common/imap/fetch_items.h"

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/imap/quote.h"

namespace mail::imap {
namespace {

using Kind = FetchItem::Kind;
using What = BodySection::What;

constexpr std::pair<std::string_view, Kind> kSimple[] = {
    {"FLAGS", Kind::Flags},
    {"UID", Kind::Uid},
    {"INTERNALDATE", Kind::InternalDate},
    {"RFC822.SIZE", Kind::Size},
    {"ENVELOPE", Kind::Envelope},
    {"BODY", Kind::Body},
    {"BODYSTRUCTURE", Kind::BodyStructure},
    {"MODSEQ", Kind::ModSeq},
    {"SAVEDATE", Kind::SaveDate},
    {"X-GUID", Kind::XGuid},
    {"X-MAILBOX", Kind::XMailbox},
    {"X-REAL-UID", Kind::XRealUid},
    {"X-SAVEDATE", Kind::XSaveDate},
    {"PREVIEW", Kind::Preview},
    {"SNIPPET", Kind::Snippet},
};

Failure bad_section() {
  return fail(Fault::Protocol, "Invalid BODY[..] section");
}

/// Leading "1.2." into `part`; what is left.
Result<std::string_view> read_part(std::string_view text,
                                   std::vector<uint32_t>& part) {
  while (!text.empty() && is_digit(text[0])) {
    size_t dot = text.find('.');
    auto number = parse_number<uint32_t>(text.substr(0, dot));
    if (!number || part.size() > 100) return bad_section();
    part.push_back(*number);
    if (dot == std::string_view::npos) return std::string_view();
    text.remove_prefix(dot + 1);
    if (text.empty()) return bad_section();
  }
  return text;
}

/// "<0.100>" or nothing.
bool read_partial(std::string_view text, BodySection& section) {
  if (text.empty()) return true;
  if (!text.starts_with('<') || !text.ends_with('>')) return false;
  text = text.substr(1, text.size() - 2);
  size_t dot = text.find('.');
  auto offset = parse_number<uint64_t>(text.substr(0, dot));
  if (!offset) return false;
  section.partial = true;
  section.offset = *offset;
  section.size = UINT64_MAX;
  if (dot != std::string_view::npos) {
    auto size = parse_number<uint64_t>(text.substr(dot + 1));
    if (!size) return false;
    section.size = *size;
  }
  return true;
}

/// The list of HEADER.FIELDS at args[at], and the atom "]<...>" behind it.
Result<std::string_view> read_fields(const Args& args, size_t& at,
                                     BodySection& section) {
  if (at >= args.size() || !args[at].is_list()) {
    return fail(Fault::Protocol,
                "Invalid BODY[..] parameter: Missing or empty fields list");
  }
  const Args& list = args[at++].list;
  if (list.empty()) {
    return fail(Fault::Protocol,
                "Invalid BODY[..] parameter: Missing or empty fields list");
  }
  for (const Arg& field : list) {
    if (!field.is_astring()) return bad_section();
    section.fields.push_back(upper(field.text));
  }
  if (at >= args.size() || !args[at].is_atom() ||
      !args[at].text.starts_with(']')) {
    return fail(Fault::Protocol, "Invalid BODY[..] parameter: Missing ']'");
  }
  return std::string_view(args[at++].text).substr(1);
}

void label_section(std::string_view name, std::string_view inside,
                   BodySection& section) {
  std::string& label = section.label;
  label.assign(name);
  label += '[';
  label += inside;
  if (!section.fields.empty()) {
    label += " (";
    for (size_t i = 0; i < section.fields.size(); ++i) {
      if (i) label += ' ';
      put_astring(label, section.fields[i]);
    }
    label += ')';
  }
  label += ']';
  if (section.partial) {
    label += '<';
    put_number(label, section.offset);
    label += '>';
  }
}

Result<What> read_what(std::string_view text, bool has_part) {
  if (text.empty()) return What::All;
  if (text == "TEXT") return What::Text;
  if (text == "HEADER") return What::Header;
  if (text == "HEADER.FIELDS") return What::HeaderFields;
  if (text == "HEADER.FIELDS.NOT") return What::HeaderFieldsNot;
  if (text == "MIME" && has_part) return What::Mime;
  return bad_section();
}

/// BODY[...] and BINARY[...]; args[at] is the next argument.
Result<FetchItem> read_section(const std::string& text, const Args& args,
                               size_t& at) {
  FetchItem item;
  item.kind = Kind::Section;
  BodySection& section = item.section;
  size_t open = text.find('[');
  std::string name = upper(std::string_view(text).substr(0, open));
  if (name == "BODY.PEEK" || name == "BINARY.PEEK") {
    section.peek = true;
    name.resize(name.find('.'));
  }
  section.binary = name == "BINARY";
  section.binary_size = name == "BINARY.SIZE";
  if (!section.binary && !section.binary_size && name != "BODY") {
    return fail(Fault::Protocol, "Unknown parameter: " + upper(text));
  }
  std::string inside = upper(std::string_view(text).substr(open + 1));
  std::string_view tail;
  size_t close = inside.find(']');
  std::string held;
  if (close != std::string::npos) {
    held = inside.substr(close + 1);
    inside.resize(close);
    tail = held;
  }
  std::string_view rest = TRY(read_part(inside, section.part));
  section.what = TRY(read_what(rest, !section.part.empty()));
  bool fields = section.what == What::HeaderFields ||
                section.what == What::HeaderFieldsNot;
  if (fields != (close == std::string::npos)) {
    return fields ? bad_section()
                  : fail(Fault::Protocol,
                         "Invalid BODY[..] parameter: Missing ']'");
  }
  if ((section.binary || section.binary_size) && section.what != What::All) {
    return fail(Fault::Protocol, "Invalid BINARY[..] section");
  }
  if (fields) tail = TRY(read_fields(args, at, section));
  if (!read_partial(tail, section)) {
    return fail(Fault::Protocol, "Invalid BODY[..] parameter: Invalid partial");
  }
  label_section(name, inside, section);
  return item;
}

FetchItem whole_section(std::string_view label, What what, bool peek) {
  FetchItem item;
  item.kind = Kind::Section;
  item.section.what = what;
  item.section.peek = peek;
  item.section.label = label;
  return item;
}

bool modifier_list(const Args& args, size_t at, bool& lazy) {
  if (at >= args.size() || !args[at].is_list()) return false;
  for (const Arg& word : args[at].list) {
    if (word.is_atom("LAZY")) lazy = true;
    if (!word.is_atom("LAZY") && !word.is_atom("FUZZY")) return false;
  }
  return true;
}

Result<FetchItem> read_item(const Args& args, size_t& at) {
  const Arg& arg = args[at++];
  if (!arg.is_atom()) {
    return fail(Fault::Protocol, "FETCH list contains non-atoms.");
  }
  std::string name = upper(arg.text);
  if (name.find('[') != std::string::npos) {
    return read_section(arg.text, args, at);
  }
  if (name == "RFC822") return whole_section(name, What::All, false);
  if (name == "RFC822.HEADER") return whole_section(name, What::Header, true);
  if (name == "RFC822.TEXT") return whole_section(name, What::Text, false);
  for (const auto& [word, kind] : kSimple) {
    if (word != name) continue;
    FetchItem item;
    item.kind = kind;
    if ((kind == Kind::Preview || kind == Kind::Snippet) &&
        modifier_list(args, at, item.lazy)) {
      ++at;
    }
    return item;
  }
  return fail(Fault::Protocol, "Unknown parameter: " + name);
}

void add_kinds(std::vector<FetchItem>& out, std::initializer_list<Kind> kinds) {
  for (Kind kind : kinds) out.push_back({kind, {}, false});
}

}  // namespace

Result<std::vector<FetchItem>> parse_fetch_items(const Args& args, size_t& at) {
  std::vector<FetchItem> out;
  const Arg& first = args[at];
  if (first.is_list()) {
    ++at;
    for (size_t i = 0; i < first.list.size();) {
      out.push_back(TRY(read_item(first.list, i)));
    }
    return out;
  }
  bool fast = first.is_atom("FAST"), all = first.is_atom("ALL"),
       full = first.is_atom("FULL");
  if (fast || all || full) {
    ++at;
    add_kinds(out, {Kind::Flags, Kind::InternalDate, Kind::Size});
    if (!fast) add_kinds(out, {Kind::Envelope});
    if (full) add_kinds(out, {Kind::Body});
    return out;
  }
  out.push_back(TRY(read_item(args, at)));
  return out;
}

}  // namespace mail::imap
