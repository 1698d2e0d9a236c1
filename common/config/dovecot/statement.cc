#include "common/config/dovecot/statement.h"

#include "common/base/ascii.h"

namespace mail::config::dovecot {

namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view skip_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text[0])) text.remove_prefix(1);
  return text;
}

std::string_view cut_blanks(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// `line` without its comment. Quotes hide a '#'.
std::string_view without_comment(std::string_view line, bool& ambiguous) {
  for (size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (c == '"' || c == '\'') {
      size_t end = i + 1;
      while (end < line.size() && line[end] != c) {
        end += line[end] == '\\' && end + 1 < line.size() ? 2 : 1;
      }
      if (end >= line.size()) return line;  // never closed
      i = end;
    } else if (c == '#') {
      ambiguous = i > 0 && !is_blank(line[i - 1]);
      return line.substr(0, i);
    }
  }
  return line;
}

/// "a\"b" without the outer quotes and escapes.
std::string unquoted(std::string_view quoted) {
  std::string out;
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && i + 2 < quoted.size()) ++i;
    out += quoted[i];
  }
  return out;
}

void read_value_of(std::string_view text, Statement& out) {
  out.kind = Statement::Kind::Setting;
  text = skip_blanks(text);
  if (text.starts_with("<")) {
    out.value_kind = Statement::ValueKind::File;
    out.value = skip_blanks(text.substr(1));
  } else if (text.size() >= 2 && text[0] == text.back() &&
             (text[0] == '"' || text[0] == '\'')) {
    out.value = unquoted(text);
  } else {
    if (text.find('$') != std::string_view::npos) {
      out.value_kind = Statement::ValueKind::Variable;
    }
    out.value = text;
  }
}

void read_begin_of(std::string_view text, Statement& out) {
  text = skip_blanks(text);
  if (text.starts_with("\"")) {
    size_t end = 1;
    while (end < text.size() && text[end] != '"') {
      end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
    }
    if (end >= text.size()) {
      out.error = "Missing '\"'";
      return;
    }
    out.name = unquoted(text.substr(0, end + 1));
    text = skip_blanks(text.substr(end + 1));
  } else {
    size_t end = 0;
    while (end < text.size() && !is_blank(text[end]) && text[end] != '{') ++end;
    out.name = text.substr(0, end);
    text = skip_blanks(text.substr(end));
  }
  if (!text.starts_with("{")) {
    out.error = "Expecting '{'";
    return;
  }
  if (text.size() > 1) {
    out.error = "Garbage after '{'";
    return;
  }
  out.kind = Statement::Kind::Begin;
}

Statement parse(std::string_view line) {
  Statement out;
  if (line == "}") {
    out.kind = Statement::Kind::End;
    return out;
  }
  size_t end = 0;
  while (end < line.size() && !is_blank(line[end]) && line[end] != '=') ++end;
  out.key = line.substr(0, end);
  std::string_view rest = skip_blanks(line.substr(end));
  if (out.key == "!include" || out.key == "!include_try") {
    out.kind = out.key == "!include" ? Statement::Kind::Include
                                     : Statement::Kind::IncludeTry;
    out.value = rest;
  } else if (rest.starts_with("=")) {
    read_value_of(rest.substr(1), out);
  } else if (rest.empty() && out.key.ends_with("{")) {
    out.key.pop_back();
    out.kind = Statement::Kind::Begin;
  } else {
    read_begin_of(rest, out);
  }
  if (out.key.empty()) {
    out.kind = Statement::Kind::Bad;
    if (out.error.empty()) out.error = "Expecting '{'";
  }
  return out;
}

}  // namespace

std::optional<Statement> StatementReader::next() {
  std::string whole;
  bool ambiguous = false, joined = false;
  while (!rest_.empty()) {
    size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++line_;
    line = skip_blanks(line);
    if (cut_blanks(line).empty() || line[0] == '#') continue;
    line = cut_blanks(without_comment(line, ambiguous));
    if (line.ends_with("\\")) {
      line = cut_blanks(line.substr(0, line.size() - 1));
      whole += line;
      whole += ' ';
      joined = true;
      continue;
    }
    whole += line;
    joined = false;
    break;
  }
  if (joined) whole = cut_blanks(whole);
  if (whole.empty()) return std::nullopt;
  Statement statement = parse(whole);
  statement.ambiguous_hash = ambiguous;
  return statement;
}

}  // namespace mail::config::dovecot
