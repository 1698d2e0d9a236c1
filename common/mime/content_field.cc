#include "common/mime/content_field.h"

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/mime/lexer.h"

namespace mail::mime {
namespace {

constexpr size_t kMaxParameters = 100;

/// name*0, name*1*, ... (RFC 2231, 3) of one parameter.
struct Piece {
  std::string base;
  unsigned number = 0;
  bool extended = false;
  std::string value;
};

/// "name*3*" -> base "name", 3, extended; false: not a numbered piece.
bool read_piece(const std::string& name, Piece& piece) {
  size_t star = name.find('*');
  if (star == std::string::npos || star == 0) return false;
  std::string_view number = std::string_view(name).substr(star + 1);
  if (!number.empty() && number.back() == '*') {
    piece.extended = true;
    number.remove_suffix(1);
  }
  auto value = parse_number<unsigned>(number);
  if (!value) return false;
  piece.base = name.substr(0, star);
  piece.number = *value;
  return true;
}

/// Puts the pieces of a parameter together, those of each from 0 upward
/// without a gap; others stay away.
void join_pieces(std::vector<Piece> pieces, Parameters& out) {
  std::stable_sort(
      pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
        return a.base != b.base ? a.base < b.base : a.number < b.number;
      });
  for (size_t i = 0; i < pieces.size();) {
    std::string value;
    bool extended = false;
    unsigned next = 0;
    size_t j = i;
    for (; j < pieces.size() && pieces[j].base == pieces[i].base; ++j) {
      if (pieces[j].number != next) continue;
      value += pieces[j].value;
      extended = extended || pieces[j].extended;
      ++next;
    }
    if (next) out.emplace_back(pieces[i].base + (extended ? "*" : ""), value);
    i = j;
  }
}

void read_parameters(Lexer& in, Parameters& out) {
  std::vector<Piece> pieces;
  while (true) {
    in.skip_blanks();
    if (in.at_end()) break;
    if (!in.take(';')) {  // garbage: go on at the next parameter
      in.skip();
      continue;
    }
    in.skip_blanks();
    std::string name = lower(in.token());
    in.skip_blanks();
    if (name.empty() || !in.take('=')) continue;
    in.skip_blanks();
    std::string value;
    if (in.take('"')) {
      value = in.quoted();
    } else {
      while (!in.at_end() && in.peek() != ';' && !is_space(in.peek()) &&
             in.peek() != '(') {
        value.push_back(in.peek());
        in.skip();
      }
    }
    if (out.size() + pieces.size() >= kMaxParameters) break;
    Piece piece;
    if (read_piece(name, piece)) {
      piece.value = std::move(value);
      pieces.push_back(std::move(piece));
    } else {
      out.emplace_back(std::move(name), std::move(value));
    }
  }
  join_pieces(std::move(pieces), out);
}

}  // namespace

void read_content_type(std::string_view value, Part& part) {
  Lexer in(value);
  in.skip_blanks();
  std::string type = lower(in.token());
  if (type.empty()) return;
  part.type = std::move(type);
  part.subtype.clear();
  in.skip_blanks();
  if (in.take('/')) {
    in.skip_blanks();
    part.subtype = lower(in.token());
  }
  read_parameters(in, part.parameters);
}

void read_disposition(std::string_view value, Part& part) {
  Lexer in(value);
  in.skip_blanks();
  part.disposition = std::string(in.token());
  read_parameters(in, part.disposition_parameters);
}

std::string read_encoding(std::string_view value) {
  Lexer in(value);
  in.skip_blanks();
  std::string token(in.token());
  in.skip_blanks();
  return in.at_end() ? token : std::string();
}

std::vector<std::string> read_languages(std::string_view value) {
  std::vector<std::string> out;
  Lexer in(value);
  while (out.size() < kMaxParameters) {
    in.skip_blanks();
    if (in.at_end()) break;
    std::string_view tag = in.token();
    if (!tag.empty()) {
      out.emplace_back(tag);
    } else {
      in.skip();
    }
  }
  return out;
}

}  // namespace mail::mime
