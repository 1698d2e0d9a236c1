#include "common/imap/envelope.h"

#include "common/imap/quote.h"
#include "common/imap/simple_addresses.h"
#include "common/mime/envelope_address.h"

namespace mail::imap {
namespace {

using mime::EnvelopeAddress;
using mime::Part;

void put_field(std::string& out, std::optional<std::string_view> value) {
  if (!value) {
    out += "NIL";
    return;
  }
  if (value->find_first_of("\t\r\n") == value->npos) {
    put_escaped(out, *value);
    return;
  }
  // Folds become blanks, the rest stays as it is.
  std::string text;
  for (char c : *value) {
    if (c == '\r' || c == '\n') continue;
    text += c == '\t' ? ' ' : c;
  }
  put_escaped(out, text);
}

void put_addresses(std::string& out, const std::vector<EnvelopeAddress>& list) {
  out += '(';
  for (const EnvelopeAddress& a : list) {
    out += '(';
    if (a.name && !a.name->empty()) {
      put_text(out, *a.name);
    } else {
      out += "NIL";
    }
    out += ' ';
    put_nstring(out, a.route);
    out += ' ';
    put_nstring(out, a.mailbox);
    out += ' ';
    put_nstring(out, a.domain);
    out += ')';
  }
  out += ')';
}

/// False: there is none, and nothing was appended.
bool put_header(std::string& out, std::optional<std::string_view> value) {
  if (!value) return false;
  if (put_simple_addresses(out, *value)) return true;
  auto list = mime::read_addresses(*value);
  if (list.empty()) return false;
  put_addresses(out, list);
  return true;
}

void put_parameters(std::string& out, const mime::Parameters& parameters) {
  if (parameters.empty()) {
    out += "NIL";
    return;
  }
  char before = '(';
  for (const auto& [name, value] : parameters) {
    out += before;
    before = ' ';
    put_escaped(out, name);
    out += ' ';
    put_escaped(out, value);
  }
  out += ')';
}

void put_escaped_or_nil(std::string& out,
                        const std::optional<std::string>& text) {
  if (text) {
    put_escaped(out, *text);
  } else {
    out += "NIL";
  }
}

/// " MD5" is the caller's; then disposition, languages, location.
void put_extension(std::string& out, const Part& part) {
  out += ' ';
  if (part.disposition) {
    out += '(';
    put_escaped(out, *part.disposition);
    out += ' ';
    put_parameters(out, part.disposition_parameters);
    out += ')';
  } else {
    out += "NIL";
  }
  out += ' ';
  if (part.languages.empty()) {
    out += "NIL";
  } else {
    char before = '(';
    for (const std::string& tag : part.languages) {
      out += before;
      before = ' ';
      put_escaped(out, tag);
    }
    out += ')';
  }
  out += ' ';
  put_escaped_or_nil(out, part.location);
}

void put_part(std::string& out, const Part& part, bool extended);

void put_multipart(std::string& out, const Part& part, bool extended) {
  static const Part kEmpty;
  if (part.children.empty()) put_part(out, kEmpty, extended);
  for (const Part& child : part.children) put_part(out, child, extended);
  out += ' ';
  put_escaped(out, part.subtype);
  if (!extended) return;
  out += ' ';
  put_parameters(out, part.parameters);
  put_extension(out, part);
}

void put_leaf(std::string& out, const Part& part, bool extended) {
  bool text = part.type == "text";
  put_escaped(out, part.type);
  out += ' ';
  put_escaped(out, part.subtype);
  out += ' ';
  if (text && !part.parameter("charset")) {
    out += "(\"charset\" \"us-ascii\"";
    for (const auto& [name, value] : part.parameters) {
      out += ' ';
      put_escaped(out, name);
      out += ' ';
      put_escaped(out, value);
    }
    out += ')';
  } else {
    put_parameters(out, part.parameters);
  }
  out += ' ';
  put_escaped_or_nil(out, part.id);
  out += ' ';
  if (part.description) {
    put_text(out, *part.description);
  } else {
    out += "NIL";
  }
  out += ' ';
  put_escaped(out, part.encoding.empty() ? "7bit" : part.encoding);
  out += ' ';
  put_number(out, part.virtual_body_size());
  if (part.kind == Part::Kind::Message && !part.children.empty()) {
    const Part& inner = part.children[0];
    out += ' ';
    put_envelope(out, inner.envelope->view());
    out += ' ';
    put_part(out, inner, extended);
    out += ' ';
    put_number(out, part.body_lines);
  } else if (text) {
    out += ' ';
    put_number(out, part.body_lines);
  }
  if (!extended) return;
  out += ' ';
  put_escaped_or_nil(out, part.md5);
  put_extension(out, part);
}

void put_part(std::string& out, const Part& part, bool extended) {
  out += '(';
  if (part.kind == Part::Kind::Multipart) {
    put_multipart(out, part, extended);
  } else {
    put_leaf(out, part, extended);
  }
  out += ')';
}

}  // namespace

void put_envelope(std::string& out, const mime::EnvelopeView& e) {
  out += '(';
  put_field(out, e.date);
  out += ' ';
  if (e.subject) {
    put_text(out, *e.subject);
  } else {
    out += "NIL";
  }
  out += ' ';
  const size_t from = out.size();
  if (!put_header(out, e.from)) out += "NIL";
  const size_t size = out.size() - from;
  for (const auto& value : {e.sender, e.reply_to}) {
    out += ' ';
    if (put_header(out, value)) continue;
    out.reserve(out.size() + size);
    out.append(out, from, size);
  }
  for (const auto& value : {e.to, e.cc, e.bcc}) {
    out += ' ';
    if (!put_header(out, value)) out += "NIL";
  }
  out += ' ';
  put_field(out, e.in_reply_to);
  out += ' ';
  put_field(out, e.message_id);
  out += ')';
}

void put_body_structure(std::string& out, const Part& root, bool extended) {
  put_part(out, root, extended);
}

}  // namespace mail::imap
