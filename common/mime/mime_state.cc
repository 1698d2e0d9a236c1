#include "common/mime/mime_state.h"

#include <utility>

#include "common/base/ascii.h"
#include "common/base/utf8.h"

namespace mail::mime {
namespace {

constexpr std::string_view kTspecials = "()<>@,;:\\\"/[]?=";

/// Takes a token, a quoted string (unquoted) or one special character off a
/// MIME header's value; skips blanks and comments. Empty: the end.
std::string take_value(std::string_view& rest) {
  int depth = 0;
  size_t at = 0;
  for (; at < rest.size(); ++at) {
    char c = rest[at];
    if (c == '\\' && depth > 0) {
      ++at;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && depth > 0) {
      --depth;
    } else if (depth == 0 && !is_space(c)) {
      break;
    }
  }
  rest.remove_prefix(std::min(at, rest.size()));
  std::string out;
  if (rest.empty()) return out;
  if (rest[0] == '"') {
    for (at = 1; at < rest.size() && rest[at] != '"'; ++at) {
      if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
      if (rest[at] != '\n') out += rest[at];
    }
    rest.remove_prefix(std::min(at + 1, rest.size()));
    return out;
  }
  at = 0;
  while (at < rest.size() && !is_space(rest[at]) &&
         kTspecials.find(rest[at]) == std::string_view::npos) {
    ++at;
  }
  if (at == 0) at = 1;
  out = rest.substr(0, at);
  rest.remove_prefix(at);
  return out;
}

}  // namespace

std::string_view mime_error_text(MimeError error) {
  switch (error) {
    case MimeError::None:
      break;
    case MimeError::Nesting:
      return "MIME nesting exceeds safety limit";
    case MimeError::Truncated:
      return "message header length exceeds safety limit";
    case MimeError::EightBitHeader:
      return "improper use of 8-bit data in message header";
    case MimeError::EightBitBody:
      return "improper use of 8-bit data in message body";
    case MimeError::EncodingDomain:
      return "invalid message/* or multipart/* encoding domain";
  }
  return "";
}

MimeState::MimeState(const MimeOptions& options, MimeSink& sink)
    : options_(options), sink_(sink), splitter_(options.header_size_limit) {}

void MimeState::report(MimeError error, std::string_view line) {
  if (error_ != MimeError::None) return;
  error_ = error;
  error_line_ = line.substr(0, 100);
}

void MimeState::line(std::string_view text, bool complete) {
  if (state_ == State::Body) {
    body_line(text, complete);
  } else {
    header_line(text, complete);
  }
  line_started_ = !complete;
}

void MimeState::header_line(std::string_view text, bool complete) {
  if (state_ != State::PrimaryHead && !line_started_ &&
      text.starts_with("--")) {
    // A boundary may look like a header, or come before the empty line.
    std::string_view ahead = text;
    for (const Level& level : levels_) {
      if (!ahead.substr(2).starts_with(level.boundary)) continue;
      splitter_.finish();
      if (splitter_.ready()) emit_header();
      end_head();
      state_ = State::Body;
      body_line(text, complete);
      return;
    }
  }
  bool goes_on =
      splitter_.push(text, complete ? HeaderSplitter::Piece::Complete
                                    : HeaderSplitter::Piece::Continues);
  if (splitter_.ready()) emit_header();
  if (goes_on) return;
  bool primary = state_ == State::PrimaryHead;
  end_head();
  if (text.empty()) {
    sink_.on_body(text, complete);
    enter_entity();
    return;
  }
  // Body begins without an empty line: the message gets one.
  if (primary) sink_.on_body({}, true);
  enter_entity();
  line(text, complete);
}

void MimeState::emit_header() {
  const std::string& text = splitter_.header();
  HeaderField field = split_header(text);
  const HeaderInfo* info = find_header(field.name);
  if (splitter_.truncated() && options_.report_truncated) {
    report(MimeError::Truncated, text);
  }
  if (options_.report_8bit_header && !is_ascii(text)) {
    report(MimeError::EightBitHeader, text);
  }
  bool mime = is_mime_header(field.name);
  if (info != nullptr && options_.parse_mime) {
    if (info->id == HeaderId::ContentType) read_content_type(field.value);
    if (info->id == HeaderId::ContentTransferEncoding) {
      read_encoding(field.value);
      // Another one is written when the head ends.
      bool replaced = entity_.domain != Domain::SevenBit;
      if (options_.downgrade && replaced) return;
    }
  }
  HeaderClass kind = HeaderClass::Primary;
  if (state_ == State::NestedHead) kind = HeaderClass::Nested;
  if (mime || state_ == State::PartHead) kind = HeaderClass::Mime;
  sink_.on_header(kind, info, text);
}

void MimeState::read_content_type(std::string_view value) {
  Entity found;
  found.domain = entity_.domain;
  found.encoded = entity_.encoded;
  std::string type = lower(take_value(value));
  std::string slash = take_value(value);
  std::string subtype = slash == "/" ? lower(take_value(value)) : "";
  if (type == "message") {
    found.composite = true;
    bool parsed = subtype == "rfc822" || subtype == "global";
    found.type = parsed ? Type::Message : Type::Leaf;
  }
  if (type == "multipart") {
    found.composite = true;
    found.digest = subtype == "digest";
    for (std::string token = take_value(value); !token.empty();
         token = take_value(value)) {
      if (!iequals(token, "boundary")) continue;
      if (take_value(value) != "=") continue;
      found.boundary =
          take_value(value).substr(0, options_.boundary_length_limit);
    }
    if (!found.boundary.empty()) found.type = Type::Multipart;
  }
  entity_ = std::move(found);
}

void MimeState::read_encoding(std::string_view value) {
  std::string encoding = lower(take_value(value));
  entity_.domain = Domain::SevenBit;
  entity_.encoded = false;
  if (encoding == "8bit") {
    entity_.domain = Domain::EightBit;
  } else if (encoding == "binary") {
    entity_.domain = Domain::Binary;
  } else {
    entity_.encoded = encoding != "7bit";
  }
}

/// The last header was seen.
void MimeState::end_head() {
  if (options_.report_encoding_domain && entity_.composite && entity_.encoded) {
    report(MimeError::EncodingDomain, splitter_.header());
  }
  if (options_.downgrade && entity_.domain != Domain::SevenBit) {
    quoting_ = entity_.type == Type::Leaf;
    HeaderClass kind = HeaderClass::Mime;
    sink_.on_header(kind, find_header("Content-Transfer-Encoding"),
                    quoting_ ? "Content-Transfer-Encoding: quoted-printable"
                             : "Content-Transfer-Encoding: 7bit");
  }
  if (state_ == State::PrimaryHead) sink_.on_primary_end();
}

/// After the empty line: the body, or the headers of a message in it.
void MimeState::enter_entity() {
  state_ = State::Body;
  if (entity_.type == Type::Leaf) return;
  enter_depth();
  // Deeper than the limit nothing is looked at.
  if (depth_ > options_.nesting_limit) return;
  if (entity_.type == Type::Multipart) {
    levels_.push_back({entity_.boundary, entity_.digest, depth_});
    entity_.type = Type::Leaf;
    return;
  }
  entity_ = Entity();
  state_ = State::NestedHead;
}

void MimeState::enter_depth() {
  ++depth_;
  if (depth_ > options_.nesting_limit && options_.report_nesting) {
    report(MimeError::Nesting, splitter_.header());
  }
}

/// If the line is a boundary of an open multipart, closes the parts in it.
bool MimeState::take_boundary(std::string_view text) {
  for (size_t i = levels_.size(); i-- > 0;) {
    const Level& level = levels_[i];
    std::string_view rest = text.substr(2);
    // A prefix is enough (RFC 2046, 5.1.1, note to implementors).
    if (!rest.starts_with(level.boundary)) continue;
    end_encoding();
    bool closes = rest.substr(level.boundary.size()).starts_with("--");
    bool digest = level.digest;
    depth_ = closes ? level.depth - 1 : level.depth;
    levels_.resize(closes ? i : i + 1);
    entity_ = Entity();
    state_ = closes ? State::Body : State::PartHead;
    if (!closes && digest) {
      entity_.composite = true;
      entity_.type = Type::Message;
    }
    return true;
  }
  return false;
}

void MimeState::body_line(std::string_view text, bool complete) {
  if (!line_started_ && !levels_.empty() && text.starts_with("--") &&
      take_boundary(text)) {
    sink_.on_body(text, complete);
    return;
  }
  if (options_.report_8bit_body && entity_.domain == Domain::SevenBit &&
      error_ == MimeError::None && !is_ascii(text)) {
    report(MimeError::EightBitBody, text);
  }
  if (quoting_) {
    encode(text, complete);
  } else {
    sink_.on_body(text, complete);
  }
}

void MimeState::finish() {
  splitter_.finish();
  if (splitter_.ready()) emit_header();
  if (state_ != State::Body) end_head();
  end_encoding();
  state_ = State::Body;
}

}  // namespace mail::mime
