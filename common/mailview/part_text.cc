#include "common/mailview/part_text.h"

#include "common/base/ascii.h"
#include "common/mime/codec.h"

namespace mail::mailview {

using mime::Part;

constexpr size_t kMaxDecoded = 128 << 20;

void append_crlf(std::string& out, std::string_view text) {
  out.reserve(out.size() + text.size() + text.size() / 32);
  for (size_t at = 0; at < text.size();) {
    size_t lf = text.find('\n', at);
    if (lf == std::string_view::npos) {
      out += text.substr(at);
      return;
    }
    out += text.substr(at, lf - at);
    bool crlf = lf > 0 && text[lf - 1] == '\r';
    out += crlf ? "\n" : "\r\n";
    at = lf + 1;
  }
}

bool is_encoded(const Part& part) {
  if (part.kind == Part::Kind::Multipart) return false;
  return !part.encoding.empty() && !part.encoded_as("7bit") &&
         !part.encoded_as("8bit") && !part.encoded_as("binary");
}

Result<std::string> decoded_body(mailbox::MessageReader& reader,
                                 const Part& part) {
  if (part.body_size > kMaxDecoded) {
    return fail(Fault::Permanent, "Message part is too large to be decoded");
  }
  std::string raw;
  raw.reserve(part.body_size);
  while (raw.size() < part.body_size) {
    size_t before = raw.size();
    TRY(reader.read(part.body_at + before,
                    static_cast<size_t>(part.body_size) - before, raw));
    if (raw.size() == before) break;
  }
  if (part.encoded_as("base64")) return mime::decode_base64_loose(raw);
  if (part.encoded_as("quoted-printable")) {
    return mime::decode_quoted_printable(raw);
  }
  if (is_encoded(part)) {
    return fail(Fault::Permanent,
                "[UNKNOWN-CTE] Unknown Content-Transfer-Encoding.");
  }
  return raw;
}

std::vector<std::string> header_values(std::string_view header,
                                       std::string_view name) {
  std::vector<std::string> out;
  bool wanted = false;
  for (size_t at = 0; at < header.size();) {
    size_t end = header.find('\n', at);
    end = end == std::string_view::npos ? header.size() : end + 1;
    std::string_view line = header.substr(at, end - at);
    at = end;
    if (line == "\n" || line == "\r\n") break;
    if (line[0] == ' ' || line[0] == '\t') {
      if (wanted) out.back() += line;
      continue;
    }
    size_t colon = line.find(':');
    wanted = colon != std::string_view::npos &&
             iequals(trim_right(line.substr(0, colon)), name);
    if (wanted) out.emplace_back(trim_left(line.substr(colon + 1)));
  }
  for (std::string& value : out) value.resize(trim_right(value).size());
  return out;
}

}  // namespace mail::mailview
