#include "lmtp/path.h"

#include <fmt/format.h>

#include "common/base/ascii.h"

namespace mail::lmtp {
namespace {

using smtp::Reply;

Reply invalid(PathKind kind, std::string_view what) {
  return {501, "5.5.4",
          fmt::format("Invalid {}: {}", kind == PathKind::From ? "FROM" : "TO",
                      what)};
}

/// Reads a local part, quoted or not; false: `what` says why not.
bool take_local(std::string_view& text, std::string& local,
                std::string_view& what) {
  if (text.starts_with('"')) {
    size_t at = 1;
    for (; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      local += text[at];
    }
    if (at == text.size()) {
      what = "Missing '\"' at end of local part";
      return false;
    }
    text.remove_prefix(at + 1);
    return true;
  }
  size_t at = text.find_first_of("@> \t");
  local = text.substr(0, at);
  text.remove_prefix(std::min(at, text.size()));
  return true;
}

/// "<...>" at the front of `text`.
bool take_path(std::string_view& text, PathKind kind, PathCommand& out,
               Reply& refusal) {
  if (text.starts_with(' ') || text.starts_with('\t')) {
    refusal = invalid(kind, "Unexpected whitespace before path");
    return false;
  }
  if (!text.starts_with('<')) {
    refusal = invalid(kind, "Missing '<' at beginning of path");
    return false;
  }
  text.remove_prefix(1);
  if (text.starts_with('@')) {  // a source route is read away
    auto colon = text.find(':');
    if (colon == std::string_view::npos) {
      refusal = invalid(kind, "Invalid source route");
      return false;
    }
    text.remove_prefix(colon + 1);
  }
  std::string_view begin = text, what;
  if (text.starts_with('>')) {
    text.remove_prefix(1);
    if (kind == PathKind::From) return true;
    refusal = invalid(kind, "Null path not allowed");
    return false;
  }
  if (!take_local(text, out.local, what)) {
    refusal = invalid(kind, what);
    return false;
  }
  if (text.starts_with('@')) {
    size_t end = text.find_first_of("> \t");
    out.domain = text.substr(1, end == std::string_view::npos ? end : end - 1);
    text.remove_prefix(std::min(end, text.size()));
    if (out.domain.empty()) {
      refusal = invalid(kind, "Missing domain after '@'");
      return false;
    }
  }
  if (!text.starts_with('>')) {
    refusal = invalid(kind, "Missing '>' at end of path");
    return false;
  }
  out.address = begin.substr(0, begin.size() - text.size());
  text.remove_prefix(1);
  return true;
}

std::string decode_xtext(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
        hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 +
                               hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool take_parameters(std::string_view text, PathKind kind, PathCommand& out,
                     Reply& refusal) {
  for (auto word : split(text, " \t")) {
    auto equals = word.find('=');
    auto name = upper(word.substr(0, equals));
    auto value =
        equals == std::string_view::npos ? "" : word.substr(equals + 1);
    if (kind == PathKind::From && name == "BODY") {
      if (iequals(value, "8BITMIME")) {
        out.eight_bit = true;
      } else if (!iequals(value, "7BIT")) {
        refusal = {555, "5.5.4", "Unsupported mail BODY type"};
        return false;
      }
    } else if (kind == PathKind::To && name == "ORCPT") {
      auto semicolon = value.find(';');
      if (semicolon == std::string_view::npos) {
        refusal = {501, "5.5.4", "Invalid ORCPT= parameter"};
        return false;
      }
      out.orcpt = decode_xtext(value.substr(semicolon + 1));
    } else {
      refusal = {555, "5.5.4", "Unsupported parameters"};
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<PathCommand> parse_path_command(std::string_view line,
                                              PathKind kind, Reply& refusal) {
  auto space = line.find(' ');
  auto text = space == std::string_view::npos ? "" : line.substr(space + 1);
  std::string_view word = kind == PathKind::From ? "FROM:" : "TO:";
  if (!istarts_with(text, word)) {
    refusal = {501, "5.5.4", "Invalid parameters"};
    return std::nullopt;
  }
  text.remove_prefix(word.size());
  PathCommand out;
  if (!take_path(text, kind, out, refusal)) return std::nullopt;
  if (!text.empty() && text[0] != ' ') {
    refusal = {501, "5.5.4", "Invalid parameters"};
    return std::nullopt;
  }
  if (!take_parameters(text, kind, out, refusal)) return std::nullopt;
  return out;
}

UserAndDetail split_detail(const PathCommand& path,
                           std::string_view recipient_delimiter) {
  UserAndDetail out;
  size_t at = recipient_delimiter.empty()
                  ? std::string::npos
                  : path.local.find_first_of(recipient_delimiter);
  out.user = path.local.substr(0, at);
  if (at != std::string::npos) out.detail = path.local.substr(at + 1);
  if (!path.domain.empty()) out.user += "@" + path.domain;
  return out;
}

}  // namespace mail::lmtp
