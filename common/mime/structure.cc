#include "common/mime/structure.h"

#include <algorithm>
#include <cstring>

#include "common/base/ascii.h"
#include "common/mime/content_field.h"

namespace mail::mime {
namespace {

/// A boundary line that came in pieces is looked at up to here.
constexpr size_t kLineKept = 2048;

std::string_view without_break(std::string_view line) {
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool is_envelope_name(std::string_view name) {
  switch (name.size()) {
    case 2:
      return iequals(name, "to") || iequals(name, "cc");
    case 3:
      return iequals(name, "bcc");
    case 4:
      return iequals(name, "date") || iequals(name, "from");
    case 6:
      return iequals(name, "sender");
    case 7:
      return iequals(name, "subject");
    case 8:
      return iequals(name, "reply-to");
    case 10:
      return iequals(name, "message-id");
    case 11:
      return iequals(name, "in-reply-to");
    default:
      return false;
  }
}

void join(std::optional<std::string>& field, std::string value) {
  if (!field) {
    field = std::move(value);
  } else {
    *field += ',';
    *field += value;
  }
}

void keep_envelope(EnvelopeFields& e, std::string_view name,
                   std::string value) {
  if (name == "date") e.date = std::move(value);
  if (name == "subject") e.subject = std::move(value);
  if (name == "message-id") e.message_id = std::move(value);
  if (name == "in-reply-to") e.in_reply_to = std::move(value);
  if (name == "from") join(e.from, std::move(value));
  if (name == "sender") join(e.sender, std::move(value));
  if (name == "reply-to") join(e.reply_to, std::move(value));
  if (name == "to") join(e.to, std::move(value));
  if (name == "cc") join(e.cc, std::move(value));
  if (name == "bcc") join(e.bcc, std::move(value));
}

std::string trimmed(std::string_view value) { return std::string(trim(value)); }

}  // namespace

const std::string* Part::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (iequals(key, name)) return &value;
  }
  return nullptr;
}

bool Part::encoded_as(std::string_view name) const {
  return iequals(encoding, name);
}

StructureParser::StructureParser() : StructureParser(Limits{}) {}

StructureParser::StructureParser(const Limits& limits) : limits_(limits) {
  root_.envelope = std::make_unique<EnvelopeFields>();
  begin_part(&root_);
}

void StructureParser::begin_part(Part* part) {
  open_.push_back(Open{part, {}});
  part->header_at = now_.at;
  part->lone_before = now_.lone;
  header_start_ = now_;
  before_break_ = now_;
  in_header_ = true;
  name_.clear();
}

void StructureParser::commit_header() {
  if (name_.empty()) return;
  Part& part = *open_.back().part;
  std::string name = lower(name_);
  name_.clear();
  if (name == "content-type") {
    if (!open_.back().typed) read_content_type(value_, part);
    open_.back().typed = true;
  } else if (name == "content-transfer-encoding") {
    part.encoding = read_encoding(value_);
  } else if (name == "content-id") {
    part.id = trimmed(value_);
  } else if (name == "content-description") {
    part.description = trimmed(value_);
  } else if (name == "content-md5") {
    part.md5 = trimmed(value_);
  } else if (name == "content-location") {
    part.location = trimmed(value_);
  } else if (name == "content-disposition") {
    if (!part.disposition) read_disposition(value_, part);
  } else if (name == "content-language") {
    part.languages = read_languages(value_);
  } else if (part.envelope) {
    keep_envelope(*part.envelope, name, std::move(value_));
  }
  value_.clear();
}

void StructureParser::header_line(std::string_view line) {
  if (line[0] == ' ' || line[0] == '\t') {
    if (!name_.empty() && value_.size() < limits_.header) {
      value_ += '\n';
      value_ += line.substr(0, limits_.header - value_.size());
    }
    return;
  }
  commit_header();
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string_view name = trim_right(line.substr(0, colon));
  bool wanted = istarts_with(name, "content-") ||
                (open_.back().part->envelope && is_envelope_name(name));
  if (!wanted) return;
  name_.assign(name);
  value_.assign(trim_left(line.substr(colon + 1)).substr(0, limits_.header));
}

void StructureParser::end_header() {
  commit_header();
  Open& open = open_.back();
  Part& part = *open.part;
  part.header_size = now_.at - part.header_at;
  part.header_lines = now_.lines - header_start_.lines;
  part.header_lone = now_.lone - header_start_.lone;
  part.body_at = now_.at;
  open.lines = now_.lines;
  open.lone = now_.lone;
  in_header_ = false;
  if (open_.size() >= limits_.depth || parts_ >= limits_.parts) return;
  const std::string* boundary = part.parameter("boundary");
  if (part.type == "multipart" && boundary && !boundary->empty()) {
    part.kind = Part::Kind::Multipart;
    open.boundary = *boundary;
    ++boundaries_;
  } else if (part.type == "message" && part.subtype == "rfc822") {
    part.kind = Part::Kind::Message;
    ++parts_;
    Part& child = part.children.emplace_back();
    child.envelope = std::make_unique<EnvelopeFields>();
    begin_part(&child);
  }
}

void StructureParser::close_to(size_t depth, const Counts& end) {
  while (open_.size() > depth) {
    Open& open = open_.back();
    Part& part = *open.part;
    if (in_header_) {  // a boundary or the end came first
      commit_header();
      Counts stop = end.at < header_start_.at ? header_start_ : end;
      part.header_size = stop.at - part.header_at;
      part.header_lines = stop.lines - header_start_.lines;
      part.header_lone = stop.lone - header_start_.lone;
      part.body_at = stop.at;
      in_header_ = false;
    } else if (end.at > part.body_at) {
      part.body_size = end.at - part.body_at;
      part.body_lines = end.lines - open.lines;
      part.body_lone = end.lone - open.lone;
    }
    if (!open.boundary.empty()) --boundaries_;
    open_.pop_back();
  }
}

bool StructureParser::take_boundary(std::string_view line) {
  if (line.size() < 3 || line[0] != '-' || line[1] != '-') return false;
  line.remove_prefix(2);
  size_t found = open_.size(), length = 0;
  for (size_t i = open_.size(); i-- > 0;) {
    const std::string& b = open_[i].boundary;
    if (b.size() > length && line.starts_with(b)) {
      found = i;
      length = b.size();
    }
  }
  if (found == open_.size()) return false;
  close_to(found + 1, before_break_);
  if (line.substr(length).starts_with("--")) {
    open_[found].boundary.clear();
    --boundaries_;
    return true;
  }
  if (parts_ >= limits_.parts) return true;
  ++parts_;
  Part* parent = open_[found].part;
  Part& child = parent->children.emplace_back();
  if (parent->subtype == "digest") {
    child.type = "message";
    child.subtype = "rfc822";
  }
  begin_part(&child);
  return true;
}

// `line`: its start at least, perhaps with its line break; `content`: where
// that break begins; now_ stands behind it.
void StructureParser::end_line(std::string_view line, const Counts& content) {
  if (boundaries_ > 0 && line.starts_with("--") &&
      take_boundary(without_break(line))) {
    before_break_ = now_;
    return;
  }
  before_break_ = content;
  if (!in_header_) return;
  std::string_view text = without_break(line);
  if (text.empty()) {
    end_header();
    before_break_ = now_;  // the empty line is no body's line break
  } else {
    header_line(text);
  }
}

void StructureParser::count_all(std::string_view bytes) {
  const char* p = bytes.data();
  const char* end = p + bytes.size();
  while (auto* lf = static_cast<const char*>(
             std::memchr(p, '\n', static_cast<size_t>(end - p)))) {
    char before = lf == bytes.data() ? last_ : lf[-1];
    ++now_.lines;
    now_.lone += before != '\r';
    p = lf + 1;
    if (p == end) break;
  }
  now_.at += bytes.size();
  if (!bytes.empty()) last_ = bytes.back();
}

void StructureParser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!in_header_ && boundaries_ == 0) {
      count_all(bytes);
      return;
    }
    size_t lf = bytes.find('\n');
    bool whole = lf != std::string_view::npos;
    std::string_view piece = whole ? bytes.substr(0, lf + 1) : bytes;
    bytes.remove_prefix(piece.size());
    bool pieces = mid_line_ || !whole;
    if (pieces) {
      if (!mid_line_) line_.clear();
      size_t limit = in_header_ ? limits_.header : kLineKept;
      if (line_.size() < limit) {
        line_ += piece.substr(0, limit - line_.size());
      }
    }
    mid_line_ = !whole;
    char before = piece.size() > 1 ? piece[piece.size() - 2] : last_;
    now_.at += piece.size();
    last_ = piece.back();
    if (!whole) continue;
    Counts content = now_;
    content.at -= before == '\r' ? 2 : 1;
    ++now_.lines;
    now_.lone += before != '\r';
    end_line(pieces ? std::string_view(line_) : piece, content);
  }
}

Part StructureParser::finish() {
  if (mid_line_) {
    mid_line_ = false;
    end_line(line_, now_);
  }
  close_to(0, now_);
  return std::move(root_);
}

Part parse_structure(std::string_view message) {
  StructureParser parser;
  parser.feed(message);
  return parser.finish();
}

const Part* find_part(const Part& root, const std::vector<uint32_t>& numbers) {
  const Part* at = &root;
  bool itself = false;  // the last number was the "1" of what has no parts
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0 && at->kind == Part::Kind::Message) {
      at = &at->children[0];
    } else if (itself) {
      return nullptr;
    }
    uint32_t n = numbers[i] ? numbers[i] : 1;
    itself = at->kind != Part::Kind::Multipart;
    if (itself ? n != 1 : n > at->children.size()) return nullptr;
    if (!itself) at = &at->children[n - 1];
  }
  return at;
}

}  // namespace mail::mime
