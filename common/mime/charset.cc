#include "common/mime/charset.h"

#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <array>
#include <cstring>
#include <utility>

#include "common/base/ascii.h"
#include "common/base/handle.h"
#include "common/base/utf8.h"

namespace mail::mime {
namespace {

using Converter = Handle<UConverter, ucnv_close>;

void append_utf8(UChar32 c, std::string& out) {
  char bytes[U8_MAX_LENGTH];
  int32_t n = 0;
  U8_APPEND_UNSAFE(bytes, n, c);
  out.append(bytes, static_cast<size_t>(n));
}

class IcuDecoder : public Decoder {
 public:
  explicit IcuDecoder(Converter converter) : converter_(std::move(converter)) {}

  void decode(std::string_view bytes, bool last, std::string& out) override {
    const char* source = bytes.data();
    const char* end = source + bytes.size();
    std::array<UChar, 2048> buffer;
    while (true) {
      UErrorCode error = U_ZERO_ERROR;
      UChar* target = buffer.data();
      ucnv_toUnicode(converter_.get(), &target, buffer.data() + buffer.size(),
                     &source, end, nullptr, last, &error);
      append(buffer.data(), static_cast<int32_t>(target - buffer.data()), out);
      if (error != U_BUFFER_OVERFLOW_ERROR) break;
    }
    if (last) {
      ucnv_resetToUnicode(converter_.get());
      if (high_) append_utf8(0xFFFD, out);
      high_ = 0;
    }
  }

 private:
  void append(const UChar* text, int32_t length, std::string& out) {
    for (int32_t i = 0; i < length; ++i) {
      UChar c = text[i];
      if (high_) {
        UChar high = std::exchange(high_, UChar{0});
        if (U16_IS_TRAIL(c)) {
          append_utf8(U16_GET_SUPPLEMENTARY(high, c), out);
          continue;
        }
        append_utf8(0xFFFD, out);
      }
      if (U16_IS_LEAD(c)) {
        high_ = c;
      } else {
        append_utf8(U16_IS_SURROGATE(c) ? 0xFFFD : c, out);
      }
    }
  }

  Converter converter_;
  UChar high_ = 0;  // a surrogate whose other half is to come
};

Converter open_converter(std::string_view charset) {
  if (charset.empty() || charset.size() > 60) return nullptr;
  UErrorCode error = U_ZERO_ERROR;
  Converter out(ucnv_open(std::string(charset).c_str(), &error));
  return U_FAILURE(error) ? nullptr : std::move(out);
}

/// The character at `at` of UTF-8, U+FFFD for an ill-formed byte.
UChar32 next_character(std::string_view text, size_t& at) {
  UChar32 c = 0;
  auto i = static_cast<int64_t>(at);
  auto* s = reinterpret_cast<const uint8_t*>(text.data());
  U8_NEXT_OR_FFFD(s, i, static_cast<int64_t>(text.size()), c);
  at = static_cast<size_t>(i);
  return c;
}

}  // namespace

std::unique_ptr<Decoder> Decoder::open(std::string_view charset) {
  Converter converter = open_converter(charset);
  if (!converter) return nullptr;
  return std::make_unique<IcuDecoder>(std::move(converter));
}

bool is_utf8_charset(std::string_view charset) {
  return iequals(charset, "utf-8") || iequals(charset, "us-ascii") ||
         iequals(charset, "ascii") || iequals(charset, "utf8");
}

bool is_known_charset(std::string_view charset) {
  return is_utf8_charset(charset) || open_converter(charset) != nullptr;
}

std::string to_utf8(std::string_view bytes, std::string_view charset) {
  if (is_utf8_charset(charset) || is_ascii(bytes)) {
    // ISO-2022-JP and UTF-7 are ASCII on the wire, but mean something else.
    bool shifted = istarts_with(charset, "iso-2022") ||
                   iequals(charset, "utf-7") || iequals(charset, "hz-gb-2312");
    if (!shifted) return std::string(bytes);
  }
  auto decoder = Decoder::open(charset);
  if (!decoder) return std::string(bytes);
  std::string out;
  decoder->decode(bytes, true, out);
  return out;
}

std::string casemap(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* nfkd = nullptr;
  for (size_t at = 0; at < utf8.size();) {
    auto byte = static_cast<unsigned char>(utf8[at]);
    if (byte < 128) {
      out.push_back(to_upper(utf8[at++]));
      continue;
    }
    UChar32 c = u_totitle(next_character(utf8, at));
    if (!nfkd) nfkd = unorm2_getNFKDInstance(&error);
    std::array<UChar, 32> parts;
    int32_t n =
        nfkd ? unorm2_getDecomposition(nfkd, c, parts.data(), 32, &error) : -1;
    if (n < 0 || U_FAILURE(error)) {
      append_utf8(c, out);
      error = U_ZERO_ERROR;
      continue;
    }
    for (int32_t i = 0; i < n;) {
      UChar32 part = 0;
      U16_NEXT(parts.data(), i, n, part);
      append_utf8(part, out);
    }
  }
  return out;
}

std::string_view utf8_prefix(std::string_view utf8, size_t limit) {
  if (utf8.size() <= limit) return utf8;
  while (limit > 0 &&
         (static_cast<unsigned char>(utf8[limit]) & 0xC0) == 0x80) {
    --limit;
  }
  return utf8.substr(0, limit);
}

}  // namespace mail::mime
