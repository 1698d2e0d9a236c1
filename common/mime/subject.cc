#include "common/mime/subject.h"

#include "common/base/ascii.h"
#include "common/mime/charset.h"

namespace mail::mime {
namespace {

std::string collapse(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (is_space(c)) {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += c;
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

/// "[...]" in front with the blanks after it; 0: none.
size_t blob_length(std::string_view text) {
  if (!text.starts_with('[')) return 0;
  size_t end = text.find_first_of("[]", 1);
  if (end == std::string_view::npos || text[end] != ']') return 0;
  for (++end; end < text.size() && text[end] == ' ';) ++end;
  return end;
}

/// subj-trailer: (fwd) and blanks.
bool strip_trailer(std::string_view& text, bool& reply) {
  if (text.ends_with(' ')) {
    text.remove_suffix(1);
    return true;
  }
  if (!text.ends_with("(FWD)")) return false;
  text.remove_suffix(5);
  reply = true;
  return true;
}

/// subj-leader: blobs, then re, fw or fwd, blanks, one blob, ":".
bool strip_leader(std::string_view& text, bool& reply) {
  if (text.starts_with(' ')) {
    text.remove_prefix(1);
    return true;
  }
  std::string_view rest = text;
  while (size_t n = blob_length(rest)) rest.remove_prefix(n);
  if (rest.starts_with("RE")) {
    rest.remove_prefix(2);
  } else if (rest.starts_with("FWD")) {
    rest.remove_prefix(3);
  } else if (rest.starts_with("FW")) {
    rest.remove_prefix(2);
  } else {
    return false;
  }
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  rest.remove_prefix(blob_length(rest));
  if (!rest.starts_with(':')) return false;
  text = rest.substr(1);
  reply = true;
  return true;
}

}  // namespace

BaseSubject base_subject(std::string_view value) {
  BaseSubject out;
  std::string held = collapse(casemap(decode_words(value)));
  std::string_view text = held;
  while (true) {
    while (strip_trailer(text, out.reply)) {
    }
    while (true) {
      if (strip_leader(text, out.reply)) continue;
      size_t n = blob_length(text);
      if (n == 0 || n == text.size()) break;
      text.remove_prefix(n);
    }
    if (!text.starts_with("[FWD:") || !text.ends_with(']')) break;
    text = text.substr(5, text.size() - 6);
    out.reply = true;
  }
  out.text = std::string(text);
  return out;
}

}  // namespace mail::mime
