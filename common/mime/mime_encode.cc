// The downgrade of 8-bit bodies to quoted-printable (RFC 2045, 6.7).
#include "common/base/ascii.h"
#include "common/mime/mime_state.h"

namespace mail::mime {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";
/// Lines longer than this are broken, as Postfix does it; with an escape and
/// the mark of the break they stay within 76.
constexpr size_t kMaxLine = 72;

}  // namespace

/// Blanks at the end of a piece are escaped, for the line may end there.
void MimeState::encode(std::string_view text, bool complete) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool last = i + 1 == text.size();
    bool blank = c == ' ' || c == '\t';
    bool plain = blank ? !last : is_print(c) && c != '=';
    if (output_.size() > kMaxLine) {
      output_ += '=';
      sink_.on_body(output_, true);
      output_.clear();
    }
    if (plain) {
      output_ += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      output_ += '=';
      output_ += kHexDigits[byte >> 4];
      output_ += kHexDigits[byte & 15];
    }
  }
  if (!complete) return;
  sink_.on_body(output_, true);
  output_.clear();
}

/// The part is over; an unfinished line comes out.
void MimeState::end_encoding() {
  if (!output_.empty()) sink_.on_body(output_, false);
  output_.clear();
  quoting_ = false;
}

}  // namespace mail::mime
