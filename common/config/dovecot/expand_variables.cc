#include "common/config/dovecot/expand_variables.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "common/base/ascii.h"
#include "common/config/dovecot/expand_functions.h"

namespace mail::config::dovecot {

namespace {

constexpr std::string_view kModifiers = "LUEXRNHMDT";
constexpr size_t kMaxModifiers = 10;
constexpr int kMaxDepth = 16;
constexpr size_t kMaxResult = 1 << 20;

/// What stands between '%' and the variable.
struct Format {
  long offset = 0;
  long width = 0;  ///< 0: all
  bool zero_padded = false;
  std::string_view modifiers;
};

class Expander {
 public:
  explicit Expander(const Variables& variables) : variables_(variables) {}

  std::string text(std::string_view in, int depth);
  std::string problem;

 private:
  Format format(std::string_view& rest);
  std::optional<std::string> long_name(std::string_view name, int depth);
  std::optional<std::string> condition(std::string_view arguments, int depth);
  std::optional<std::string> function(std::string_view name, int depth);
  std::optional<std::string> variable(char letter, std::string_view name) const;
  std::string apply(std::string value, const Format& format);
  void complain(std::string what) {
    if (problem.empty()) problem = std::move(what);
  }

  const Variables& variables_;
};

long take_signed(std::string_view& rest, bool& zero, bool& any) {
  bool negative = rest.starts_with("-");
  if (negative) rest.remove_prefix(1);
  zero = rest.starts_with("0");
  long number = 0;
  while (!rest.empty() && is_digit(rest[0])) {
    any = true;
    if (number < 100000000) number = number * 10 + (rest[0] - '0');
    rest.remove_prefix(1);
  }
  return negative ? -number : number;
}

Format Expander::format(std::string_view& rest) {
  Format out;
  bool any = false;
  out.width = take_signed(rest, out.zero_padded, any);
  if (!rest.starts_with(".")) out.width = std::abs(out.width);
  if (any && rest.starts_with(".")) {
    rest.remove_prefix(1);
    out.offset = out.width;
    out.zero_padded = false;
    bool zero = false;
    out.width = take_signed(rest, zero, any);
    out.zero_padded = zero;
  }
  size_t n = 0;
  while (n < rest.size() && n < kMaxModifiers &&
         kModifiers.find(rest[n]) != std::string_view::npos) {
    ++n;
  }
  out.modifiers = rest.substr(0, n);
  rest.remove_prefix(n);
  return out;
}

/// The '}' that ends what begins behind a '{'; npos: none.
size_t closing_brace(std::string_view text) {
  int open = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++open;
    if (text[i] == '}' && --open == 0) return i;
  }
  return std::string_view::npos;
}

std::string Expander::text(std::string_view in, int depth) {
  std::string out;
  while (!in.empty() && out.size() < kMaxResult) {
    size_t percent = in.find('%');
    out += in.substr(0, percent);
    if (percent == std::string_view::npos) break;
    in.remove_prefix(percent + 1);
    Format how = format(in);
    if (in.empty()) break;  // a lone '%' at the end
    std::optional<std::string> value;
    std::string shown(1, in[0]);
    if (in[0] == '{') {
      size_t end = closing_brace(in.substr(1));
      if (end == std::string_view::npos) {
        complain("Unknown variable '%{'");
        break;
      }
      std::string_view name = in.substr(1, end);
      shown = name.substr(0, name.find(':'));
      value = long_name(name, depth);
      in.remove_prefix(end + 2);
    } else {
      value = in[0] == '%' ? "%" : variable(in[0], "");
      in.remove_prefix(1);
    }
    if (!value) {
      complain(fmt::format("Unknown variable '%{}'", shown));
      out += fmt::format("UNSUPPORTED_VARIABLE_{}", shown);
      continue;
    }
    out += apply(std::move(*value), how);
  }
  return out;
}

std::optional<std::string> Expander::variable(char letter,
                                              std::string_view name) const {
  for (const auto& one : variables_.list) {
    if (name.empty() ? one.letter != letter : one.name != name) continue;
    return variables_.escape ? variables_.escape(one.value)
                             : std::string(one.value);
  }
  return std::nullopt;
}

std::optional<std::string> Expander::long_name(std::string_view name,
                                               int depth) {
  if (depth >= kMaxDepth) {
    complain("Variables are nested too deeply");
    return "";
  }
  if (name.starts_with("if;")) return condition(name.substr(3), depth);
  if (auto value = variable(0, name)) return value;
  if (name == "hostname") {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return std::string(host);
  }
  if (name == "pid") return fmt::format("{}", getpid());
  if (name.starts_with("env:")) {
    const char* value = getenv(std::string(name.substr(4)).c_str());
    return std::string(value ? value : "");
  }
  return function(name, depth);
}

std::optional<std::string> Expander::condition(std::string_view arguments,
                                               int depth) {
  // left;op;right;yes;no  with "\;" for a semicolon and nested %{...}.
  std::vector<std::string> parts(1);
  int open = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    char c = arguments[i];
    if (c == '\\' && i + 1 < arguments.size() && open == 0) {
      parts.back() += arguments[++i];
      continue;
    }
    if (c == '{') ++open;
    if (c == '}') --open;
    if (c == ';' && open == 0 && parts.size() < 5) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (parts.size() < 4) {
    complain("if: Not enough parameters");
    return "";
  }
  parts.resize(5);
  auto holds =
      compare(text(parts[0], depth + 1), parts[1], text(parts[2], depth + 1));
  if (!holds) {
    complain("if: " + holds.error().what);
    return "";
  }
  return text(parts[*holds ? 3 : 4], depth + 1);
}

std::optional<std::string> Expander::function(std::string_view name,
                                              int depth) {
  size_t colon = name.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view head = name.substr(0, colon);
  std::string_view field = name.substr(colon + 1);
  size_t semicolon = head.find(';');
  std::string_view word = head.substr(0, semicolon);
  std::string_view options =
      semicolon == std::string_view::npos ? "" : head.substr(semicolon + 1);
  if (auto probe = hash_function(word, "", ""); probe && *probe) {
    auto value = long_name(field, depth + 1);
    if (!value && field.size() == 1) value = variable(field[0], "");
    if (!value) return std::nullopt;
    auto hashed = hash_function(word, options, *value);
    if (!hashed) {
      complain(hashed.error().what);
      return "";
    }
    return std::move(**hashed);
  }
  if (!variables_.resolve) return std::nullopt;
  return variables_.resolve(head, field);
}

std::string Expander::apply(std::string value, const Format& format) {
  long width = format.width;
  bool padded = format.zero_padded;
  for (char modifier : format.modifiers) {
    unsigned modulus = 0;
    if (modifier == 'H' || modifier == 'N') {
      modulus = width > 0 ? static_cast<unsigned>(width) : 0;
      padded = format.offset != 0;
    }
    value = *modified(modifier, value, modulus, padded && modulus != 0,
                      static_cast<unsigned>(std::max(format.offset, 0L)));
    if (modulus != 0) return value;
  }
  long size = static_cast<long>(value.size());
  if (padded && width > 0) {
    if (size < width) {
      value.insert(0, static_cast<size_t>(width - size), '0');
    }
    return value;
  }
  long from = format.offset < 0 ? std::max(0L, size + format.offset)
                                : std::min(size, format.offset);
  value.erase(0, static_cast<size_t>(from));
  size -= from;
  if (width < 0) {
    value.resize(static_cast<size_t>(std::max(0L, size + width)));
  } else if (width > 0 && width < size) {
    value.resize(static_cast<size_t>(width));
  }
  return value;
}

}  // namespace

Expansion expand_variables(std::string_view text, const Variables& variables) {
  Expander expander(variables);
  Expansion out;
  out.text = expander.text(text, 0);
  out.problem = std::move(expander.problem);
  return out;
}

Result<std::string> expand_variables_strictly(std::string_view text,
                                              const Variables& variables) {
  auto expansion = expand_variables(text, variables);
  if (!expansion.problem.empty()) {
    return fail(Fault::Config, std::move(expansion.problem));
  }
  return std::move(expansion.text);
}

bool has_variable(std::string_view text, char letter, std::string_view name) {
  for (size_t at = text.find('%'); at != std::string_view::npos;
       at = text.find('%', at)) {
    ++at;
    while (at < text.size() &&
           (is_digit(text[at]) || text[at] == '-' || text[at] == '.' ||
            kModifiers.find(text[at]) != std::string_view::npos)) {
      ++at;
    }
    if (at >= text.size()) break;
    if (text[at] != '{') {
      if (letter != 0 && text[at] == letter) return true;
      ++at;
      continue;
    }
    size_t end = closing_brace(text.substr(at + 1));
    if (end == std::string_view::npos) break;
    std::string_view inside = text.substr(at + 1, end);
    if (!name.empty() && inside == name) return true;
    size_t colon = inside.rfind(':');
    if (colon != std::string_view::npos && !name.empty() &&
        inside.substr(colon + 1) == name) {
      return true;
    }
    if (inside.find('%') == std::string_view::npos) at += end + 2;
    // else the nested ones are looked at next
  }
  return false;
}

}  // namespace mail::config::dovecot
