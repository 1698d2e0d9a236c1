#include "delivery/local/items.h"

#include "common/base/ascii.h"
#include "common/mime/address_list.h"

namespace mail::local {

namespace {

constexpr std::string_view kInclude = ":include:";

/// The pieces between commas that are not inside "", () or <>.
std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> out;
  size_t start = 0;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    bool end = i == text.size();
    if (!end && text[i] == '\\') {
      ++i;
      continue;
    }
    if (end || (text[i] == ',' && !quoted && depth == 0)) {
      auto piece = trim(text.substr(start, i - start));
      if (!piece.empty()) out.push_back(piece);
      start = i + 1;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == '(') {
      ++depth;
    } else if (!quoted && text[i] == ')' && depth > 0) {
      --depth;
    }
  }
  // A backslash at the very end steps over the last turn of the loop.
  if (start < text.size() && text.ends_with('\\') &&
      (out.empty() ||
       out.back().data() + out.back().size() < text.data() + text.size())) {
    auto piece = trim(text.substr(start));
    if (!piece.empty()) out.push_back(piece);
  }
  return out;
}

/// What "..." holds, if the piece is that alone and no address.
std::string unquoted(std::string_view piece) {
  if (piece.size() < 2 || piece.front() != '"' || piece.back() != '"') {
    return std::string(piece);
  }
  std::string out;
  for (size_t i = 1; i + 1 < piece.size(); ++i) {
    if (piece[i] == '\\' && i + 2 < piece.size()) ++i;
    out += piece[i];
  }
  return out;
}

void add(std::vector<Item>& out, std::string_view piece,
         std::string_view home) {
  std::string text = unquoted(piece);
  if (text.starts_with('|')) {
    std::string command(trim(std::string_view(text).substr(1)));
    out.push_back({Item::Kind::Command, std::move(command)});
  } else if (istarts_with(text, kInclude)) {
    std::string path(trim(std::string_view(text).substr(kInclude.size())));
    out.push_back({Item::Kind::Include, unquoted(path)});
  } else if (text.starts_with('/')) {
    out.push_back({Item::Kind::File, std::move(text)});
  } else if (text.starts_with("~/") && !home.empty()) {
    out.push_back({Item::Kind::File, std::string(home) + text.substr(1)});
  } else {
    mime::AddressList list(piece);
    for (size_t i = 0; i < list.size(); ++i) {
      if (!list.external(i).empty()) {
        out.push_back({Item::Kind::Address, list.external(i)});
      }
    }
  }
}

}  // namespace

std::vector<Item> parse_items(std::string_view text, std::string_view home) {
  std::vector<Item> out;
  for (auto piece : pieces_of(text)) add(out, piece, home);
  return out;
}

std::vector<Item> parse_lines(std::string_view text, std::string_view home) {
  std::vector<Item> out;
  for (auto line : split(text, "\r\n")) {
    if (line.starts_with('#')) continue;
    for (auto piece : pieces_of(line)) add(out, piece, home);
  }
  return out;
}

}  // namespace mail::local
