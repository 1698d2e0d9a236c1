#include "common/imap/quote.h"

#include <fmt/format.h>

#include "common/base/ascii.h"

namespace mail::imap {
namespace {

bool fits_quoted(std::string_view text, bool escapes) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) >= 128 || c == '\r' || c == '\n' ||
        c == '\0') {
      return false;
    }
    if (!escapes && (c == '"' || c == '\\')) return false;
  }
  return true;
}

void put_literal(std::string& out, std::string_view text) {
  put_literal_size(out, text.size());
  out += text;
}

void put_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

/// ASCII without quotes, and with single blanks within.
bool is_plain(std::string_view text) {
  char last = ' ';
  for (char c : text) {
    if (!is_print(c) || c == '"' || c == '\\' || (c == ' ' && last == ' ')) {
      return false;
    }
    last = c;
  }
  return last != ' ';
}

bool is_atom(std::string_view text) {
  if (text.empty() || iequals(text, "NIL")) return false;
  for (char c : text) {
    if (!is_print(c) ||
        std::string_view(" (){%*\"\\]").find(c) != std::string_view::npos) {
      return false;
    }
  }
  return true;
}

}  // namespace

void put_number(std::string& out, uint64_t number) {
  fmt::format_int text(number);
  out.append(text.data(), text.size());
}

void put_literal_size(std::string& out, uint64_t size) {
  out += '{';
  put_number(out, size);
  out += "}\r\n";
}

void put_string(std::string& out, std::string_view text) {
  if (fits_quoted(text, /*escapes=*/false)) {
    put_quoted(out, text);
  } else {
    put_literal(out, text);
  }
}

void put_escaped(std::string& out, std::string_view text) {
  if (fits_quoted(text, /*escapes=*/true)) {
    put_quoted(out, text);
  } else {
    put_literal(out, text);
  }
}

void put_text(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out += '"';
    out += text;
    out += '"';
    return;
  }
  std::string held;
  held.reserve(text.size());
  bool blank = true;  // leading ones go
  for (char c : text) {
    bool is_blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (is_blank) {
      if (!blank) held += ' ';
    } else if (c == '\0') {
      held += "\xEF\xBF\xBD";
    } else {
      held += c;
    }
    blank = is_blank;
  }
  if (held.ends_with(' ')) held.pop_back();
  if (held == text) {
    put_string(out, held);
  } else {
    put_literal(out, held);
  }
}

void put_nstring(std::string& out, const std::optional<std::string>& text) {
  if (text) {
    put_string(out, *text);
  } else {
    out += "NIL";
  }
}

void put_astring(std::string& out, std::string_view text) {
  if (is_atom(text)) {
    out += text;
  } else {
    put_escaped(out, text);
  }
}

}  // namespace mail::imap
