#include "common/ipc/tabbed.h"

#include <algorithm>

#include "common/base/ascii.h"

namespace mail::ipc {

namespace {

struct Escape {
  char raw, letter;
};
constexpr Escape kEscapes[] = {
    {'\0', '0'}, {'\001', '1'}, {'\t', 't'}, {'\n', 'n'}, {'\r', 'r'}};

}  // namespace

std::string tab_escape(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (char c : value) {
    auto at = std::find_if(std::begin(kEscapes), std::end(kEscapes),
                           [c](const Escape& e) { return e.raw == c; });
    if (at == std::end(kEscapes)) {
      out += c;
    } else {
      out += '\001';
      out += at->letter;
    }
  }
  return out;
}

std::string tab_unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\001') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) break;
    auto at =
        std::find_if(std::begin(kEscapes), std::end(kEscapes),
                     [&](const Escape& e) { return e.letter == text[i]; });
    out += at == std::end(kEscapes) ? text[i] : at->raw;
  }
  return out;
}

std::vector<std::string_view> tab_split(std::string_view line) {
  return split_exact(line, '\t');
}

void TabFields::set(std::string_view name, std::string_view value) {
  for (auto& field : fields_) {
    if (field.name != name) continue;
    field.value = value;
    return;
  }
  fields_.push_back({std::string(name), std::string(value)});
}

void TabFields::set(std::string_view name) {
  for (auto& field : fields_) {
    if (field.name != name) continue;
    field.value.reset();
    return;
  }
  fields_.push_back({std::string(name), std::nullopt});
}

void TabFields::remove(std::string_view name) {
  std::erase_if(fields_, [&](const TabField& f) { return f.name == name; });
}

const TabField* TabFields::find(std::string_view name) const {
  for (const auto& field : fields_) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::string_view TabFields::get(std::string_view name) const {
  const TabField* field = find(name);
  return field && field->value ? std::string_view(*field->value)
                               : std::string_view();
}

void TabFields::parse(std::string_view piece) {
  if (piece.empty()) return;
  size_t equals = piece.find('=');
  if (equals == std::string_view::npos) {
    set(tab_unescape(piece));
  } else {
    set(tab_unescape(piece.substr(0, equals)),
        tab_unescape(piece.substr(equals + 1)));
  }
}

std::string TabFields::encode() const {
  std::string out;
  for (const auto& field : fields_) {
    out += '\t';
    out += tab_escape(field.name);
    if (!field.value) continue;
    out += '=';
    out += tab_escape(*field.value);
  }
  return out;
}

TabFields tab_fields(const std::vector<std::string_view>& pieces, size_t from) {
  TabFields out;
  for (size_t i = from; i < pieces.size(); ++i) out.parse(pieces[i]);
  return out;
}

}  // namespace mail::ipc
