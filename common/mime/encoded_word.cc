// RFC 2047: encoded words in headers.
#include "common/base/ascii.h"
#include "common/mime/charset.h"
#include "common/mime/codec.h"

namespace mail::mime {
namespace {

std::string decode_q(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out.push_back(' ');
    } else if (text[i] == '=' && i + 2 < text.size() &&
               hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 +
                                      hex_value(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

struct Word {
  std::string_view charset;
  char encoding = 0;  // B or Q
  std::string_view text;
  size_t length = 0;  // of the whole in the value
};

/// The encoded word that begins at `at`; length 0: none.
Word word_at(std::string_view value, size_t at) {
  Word word;
  size_t first = value.find('?', at + 2);
  if (first == std::string_view::npos || first == at + 2) return word;
  if (first + 2 >= value.size() || value[first + 2] != '?') return word;
  char encoding = to_upper(value[first + 1]);
  if (encoding != 'B' && encoding != 'Q') return word;
  size_t end = value.find("?=", first + 3);
  if (end == std::string_view::npos) return word;
  std::string_view text = value.substr(first + 3, end - first - 3);
  if (text.find('?') != std::string_view::npos) return word;
  word.charset = value.substr(at + 2, first - at - 2);
  word.charset = word.charset.substr(0, word.charset.find('*'));  // RFC 2231
  word.encoding = encoding;
  word.text = text;
  word.length = end + 2 - at;
  return word;
}

/// Words of one charset that follow each other are one text: a character may
/// have been cut in two.
class Output {
 public:
  void plain(char c) {
    end_word();
    // A fold is its blank alone.
    if (c != '\r' && c != '\n') out_ += c;
  }
  void word(const Word& w) {
    if (!iequals(charset_, w.charset)) end_word();
    charset_ = w.charset;
    bytes_ +=
        w.encoding == 'Q' ? decode_q(w.text) : decode_base64_loose(w.text);
  }
  std::string take() {
    end_word();
    return std::move(out_);
  }

 private:
  void end_word() {
    if (bytes_.empty()) return;
    out_ += to_utf8(bytes_, charset_);
    bytes_.clear();
  }
  std::string out_, bytes_;
  std::string_view charset_;
};

/// The value without its line ends.
std::string unfolded(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  while (!value.empty()) {
    size_t end = value.find('\n');
    std::string_view line = value.substr(0, end);
    for (size_t cr; (cr = line.find('\r')) != std::string_view::npos;) {
      out += line.substr(0, cr);
      line.remove_prefix(cr + 1);
    }
    out += line;
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
  }
  return out;
}

}  // namespace

std::string decode_words(std::string_view value) {
  if (value.find("=?") == std::string_view::npos) return unfolded(value);
  Output out;
  bool after_word = false;
  for (size_t at = 0; at < value.size();) {
    if (value.substr(at, 2) == "=?") {
      Word word = word_at(value, at);
      if (word.length) {
        out.word(word);
        at += word.length;
        after_word = true;
        continue;
      }
    }
    if (after_word && is_space(value[at])) {
      size_t next = value.find_first_not_of(" \t\r\n", at);
      if (next != std::string_view::npos && value.substr(next, 2) == "=?" &&
          word_at(value, next).length) {
        at = next;
        continue;
      }
    }
    after_word = false;
    out.plain(value[at++]);
  }
  return out.take();
}

}  // namespace mail::mime
