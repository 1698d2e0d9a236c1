// PREVIEW and SNIPPET (RFC 8970).
#include <algorithm>

#include "common/base/ascii.h"
#include "common/mailview/part_text.h"
#include "common/mime/charset.h"

namespace mail::mailview {
namespace {

using mime::Part;

constexpr size_t kCharacters = 200;
constexpr size_t kBytesLookedAt = 64 * 1024;

/// The first text part, plain before HTML in an alternative.
const Part* text_part(const Part& part) {
  if (part.kind == Part::Kind::Leaf) {
    bool attached =
        part.disposition && iequals(*part.disposition, "attachment");
    return part.type == "text" && !part.subtype.empty() && !attached ? &part
                                                                     : nullptr;
  }
  const Part* found = nullptr;
  for (const Part& child : part.children) {
    const Part* text = text_part(child);
    if (!text) continue;
    if (!found || (found->subtype == "html" && text->subtype == "plain")) {
      found = text;
    }
    if (part.subtype != "alternative") break;
  }
  return found;
}

struct Entity {
  std::string_view name, text;
};
constexpr Entity kEntities[] = {
    {"amp", "&"},   {"lt", "<"},    {"gt", ">"},
    {"quot", "\""}, {"apos", "'"},  {"nbsp", " "},
    {"ndash", "-"}, {"mdash", "-"}, {"copy", "(c)"}};

/// HTML without tags, styles, scripts and comments.
std::string without_tags(std::string_view html) {
  std::string out;
  for (size_t at = 0; at < html.size();) {
    if (html[at] == '<') {
      std::string_view rest = html.substr(at);
      std::string_view stop = ">";
      if (rest.starts_with("<!--")) stop = "-->";
      if (istarts_with(rest, "<style")) stop = "</style>";
      if (istarts_with(rest, "<script")) stop = "</script>";
      size_t end = at;
      while (end < html.size() && !istarts_with(html.substr(end), stop)) ++end;
      at = std::min(html.size(), end + stop.size());
      out += ' ';
      continue;
    }
    if (html[at] == '&') {
      size_t semicolon = html.find(';', at);
      if (semicolon != std::string_view::npos && semicolon - at < 10) {
        std::string_view name = html.substr(at + 1, semicolon - at - 1);
        for (const Entity& e : kEntities) {
          if (e.name == name) out += e.text;
        }
        at = semicolon + 1;
        continue;
      }
    }
    out += html[at++];
  }
  return out;
}

/// Blanks collapsed, lines that quote (">") left away, cut at 200 characters.
std::string shorten(std::string_view text) {
  std::string out;
  size_t characters = 0;
  bool line_start = true, quoted = false;
  for (char c : text) {
    if (c == '\n') {
      line_start = true;
      quoted = false;
    } else if (line_start) {
      quoted = c == '>';
      line_start = false;
    }
    if (quoted) continue;
    if (is_space(c) || c == '\0') {
      if (!out.empty() && out.back() != ' ') out += ' ';
      continue;
    }
    bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (begins && characters++ == kCharacters) break;
    out += c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

Result<std::string> preview_text(OpenMessage& open, mailbox::Mailbox& mailbox,
                                 uint32_t uid) {
  if (auto cached = mailbox.cached(uid, "preview")) return std::string(*cached);
  const Part* root = TRY(open.structure(mailbox, uid));
  auto* reader = TRY(open.open(mailbox, uid));
  std::string out;
  if (const Part* found = text_part(*root)) {
    Part part;
    part.encoding = found->encoding;
    part.body_at = found->body_at;
    part.body_size = std::min<uint64_t>(found->body_size, kBytesLookedAt);
    auto body = decoded_body(*reader, part);
    if (body) {
      const std::string* charset = found->parameter("charset");
      std::string text = mime::to_utf8(*body, charset ? *charset : "utf-8");
      out = shorten(found->subtype == "html" ? without_tags(text) : text);
    }
  }
  mailbox.put_cached(uid, "preview", out);
  return out;
}

}  // namespace mail::mailview
