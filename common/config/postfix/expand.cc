#include "common/config/postfix/expand.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/postfix/compatibility.h"

namespace mail::config {

namespace {

constexpr int kMaxNesting = 100;
constexpr int kMaxContext = 20;  // of the rest, in messages
// One expansion of "$b$b", b = "$c$c", ... doubles at each step.
constexpr int kMaxLookups = 100000;

bool is_name_char(char c) { return is_alnum(c) || c == '_'; }
bool is_digits(std::string_view text) {
  for (char c : text) {
    if (!is_digit(c)) return false;
  }
  return !text.empty();
}

Failure syntax(std::string_view what, std::string_view before,
               std::string_view rest) {
  return fail(Fault::Config, fmt::format("{} at: \"...{}>>>{:.{}}\"", what,
                                         before, rest, kMaxContext));
}

/// One expansion with all that it calls.
class Expander {
 public:
  using See = std::function<void(std::string_view)>;
  Expander(const Lookup& lookup, const ExpandOptions& options)
      : lookup_(&lookup), options_(options) {}
  explicit Expander(const See& see) : see_(&see) {}

  Result<> expand(std::string_view text, std::string& out, int depth);
  bool undefined() const { return undefined_; }
  bool filtered() const { return filtered_; }

 private:
  struct Branches {
    std::optional<std::string_view> yes, no;
  };
  Result<size_t> reference(std::string_view text, size_t at, std::string& out,
                           int depth);
  Result<> braced(std::string_view inside, std::string& out, int depth);
  Result<> relational(std::string_view inside, std::string& out, int depth);
  Result<> named(std::string_view name, const Branches& branches,
                 std::string& out, int depth);
  Result<> either(bool condition, const Branches& branches, std::string& out,
                  int depth);
  Result<> append_value(std::string_view name, std::string value,
                        std::string& out, int depth);
  static Result<Branches> branches_of(std::string_view rest,
                                      std::string_view before);
  static Result<std::string_view> take_braces(std::string_view& rest);
  static Result<bool> compare(std::string_view op, bool as_level,
                              const std::string& left,
                              const std::string& right);

  const Lookup* lookup_ = nullptr;
  const See* see_ = nullptr;  ///< scanning: no values, both branches
  ExpandOptions options_;
  bool undefined_ = false, filtered_ = false;
  int lookups_ = 0;
};

/// {text} at the front of `rest`, which moves on behind it.
Result<std::string_view> Expander::take_braces(std::string_view& rest) {
  int level = 0;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '{') ++level;
    if (rest[i] == '}' && --level == 0) {
      std::string_view inside = rest.substr(1, i - 1);
      rest.remove_prefix(i + 1);
      return inside;
    }
  }
  return fail(
      Fault::Config,
      fmt::format("unbalanced {{}} in attribute expression: \"{}\"", rest));
}

/// What follows the condition: ?text, :text, ?{text}, ?{text}:{text}, ...
/// `before` goes into messages.
Result<Expander::Branches> Expander::branches_of(std::string_view rest,
                                                 std::string_view before) {
  Branches branches;
  rest = trim_left(rest);
  if (rest.empty()) return branches;
  char op = rest.front();
  if (op != '?' && op != ':') {
    return syntax("\"?\" or \":\" expected", before, rest);
  }
  rest.remove_prefix(1);
  auto& first = op == '?' ? branches.yes : branches.no;
  std::string_view braces = trim_left(rest);
  if (braces.empty() || braces.front() != '{') {
    first = rest;
    return branches;
  }
  std::string_view start = braces.substr(1);
  first = TRY(take_braces(braces));
  auto seen = [&] { return start.substr(0, start.size() - braces.size()); };
  braces = trim_left(braces);
  if (braces.empty()) return branches;
  if (op == ':') return syntax("unexpected input", seen(), braces);
  if (braces.front() != ':') return syntax("\":\" expected", seen(), braces);
  braces.remove_prefix(1);
  rest = braces;
  braces = trim_left(braces);
  if (braces.empty() || braces.front() != '{') {
    branches.no = rest;
    return branches;
  }
  start = braces.substr(1);
  branches.no = TRY(take_braces(braces));
  std::string_view seen_no = start.substr(0, start.size() - braces.size());
  braces = trim_left(braces);
  if (!braces.empty()) return syntax("unexpected input", seen_no, braces);
  return branches;
}

Result<bool> Expander::compare(std::string_view op, bool as_level,
                               const std::string& left,
                               const std::string& right) {
  long order = 0;
  if (as_level) {
    long levels[2] = {};
    for (int i = 0; i < 2; ++i) {
      const std::string& text = i == 0 ? left : right;
      auto number = parse_level(text);
      if (!number) {
        return fail(
            Fault::Config,
            fmt::format("malformed compatibility level syntax: \"{}\"", text));
      }
      levels[i] = *number;
    }
    order = levels[0] < levels[1] ? -1 : levels[0] > levels[1];
  } else if (is_digits(left) && is_digits(right)) {
    auto a = parse_number<long>(left), b = parse_number<long>(right);
    if (!a || !b) {
      return fail(Fault::Config, fmt::format("mac_exp_eval: bad conversion: {}",
                                             a ? right : left));
    }
    order = *a < *b ? -1 : *a > *b;
  } else {
    order = left.compare(right);
  }
  if (op == "==") return order == 0;
  if (op == "!=") return order != 0;
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  if (op == ">") return order > 0;
  return order >= 0;
}

/// {left} OP {right} ...
Result<> Expander::relational(std::string_view inside, std::string& out,
                              int depth) {
  std::string_view rest = inside, start = inside.substr(1);
  std::string_view left_text = TRY(take_braces(rest));
  std::string_view seen = start.substr(0, start.size() - rest.size());
  rest = trim_left(rest);
  std::string_view op;
  for (std::string_view candidate : {"==", "!=", "<=", ">=", "<", ">"}) {
    if (rest.starts_with(candidate)) {
      op = candidate;
      break;
    }
  }
  if (op.empty()) {
    // The quotes are the original's.
    return syntax(
        "\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" "
        "expected",
        seen, rest);
  }
  rest.remove_prefix(op.size());
  size_t suffix_length = 0;
  while (suffix_length < rest.size() && is_alnum(rest[suffix_length])) {
    ++suffix_length;
  }
  std::string_view suffix = rest.substr(0, suffix_length);
  if (!suffix.empty() && suffix != "level") {
    return fail(Fault::Config, fmt::format("bad operator suffix at: "
                                           "\"...{}>>>{}\"",
                                           op, suffix));
  }
  rest = trim_left(rest.substr(suffix_length));
  if (rest.empty() || rest.front() != '{') {
    return syntax("\"{\" expected", op, rest);
  }
  std::string_view right_text = TRY(take_braces(rest));
  Branches branches = TRY(branches_of(rest, "}"));
  std::string left, right;
  TRY(expand(left_text, left, depth + 1));
  TRY(expand(right_text, right, depth + 1));
  bool condition = true;
  if (see_ == nullptr) {
    condition = TRY(compare(op, !suffix.empty(), left, right));
  }
  if (!branches.yes && !branches.no) {
    if (condition) out += "true";
    return {};
  }
  return either(condition, branches, out, depth);
}

Result<> Expander::either(bool condition, const Branches& branches,
                          std::string& out, int depth) {
  if (branches.yes && (condition || see_ != nullptr)) {
    TRY(expand(*branches.yes, out, depth + 1));
  }
  if (branches.no && (!condition || see_ != nullptr)) {
    TRY(expand(*branches.no, out, depth + 1));
  }
  return {};
}

Result<> Expander::append_value(std::string_view name, std::string value,
                                std::string& out, int depth) {
  if (!options_.allowed_bytes.empty()) {
    for (char& c : value) {
      if (options_.allowed_bytes.find(c) != std::string_view::npos) continue;
      c = '_';
      filtered_ = true;
    }
  }
  if (!options_.recursive) {
    out += value;
    return {};
  }
  if (depth >= kMaxNesting) {
    return fail(Fault::Config,
                fmt::format("unreasonable macro call nesting: \"{}\"", name));
  }
  return expand(value, out, depth + 1);
}

Result<> Expander::named(std::string_view name, const Branches& branches,
                         std::string& out, int depth) {
  if (see_ != nullptr) {
    (*see_)(name);
    return either(true, branches, out, depth);
  }
  if (++lookups_ > kMaxLookups) {
    return fail(Fault::Config,
                fmt::format("unreasonable macro call nesting: \"{}\"", name));
  }
  auto value = (*lookup_)(name);
  if (!branches.yes && !branches.no) {
    if (value) return append_value(name, std::move(*value), out, depth);
    undefined_ = true;
    return {};
  }
  return either(value && !value->empty(), branches, out, depth);
}

/// What stands between ${ and }.
Result<> Expander::braced(std::string_view inside, std::string& out,
                          int depth) {
  std::string_view trimmed = trim_left(inside);
  if (!trimmed.empty() && trimmed.front() == '{') {
    return relational(trimmed, out, depth);
  }
  size_t length = 0;
  while (length < trimmed.size() && is_name_char(trimmed[length])) ++length;
  std::string_view name = trimmed.substr(0, length);
  std::string_view rest = trimmed.substr(length);
  std::string_view next = trim_left(rest);
  if (!next.empty() && next.front() != '?' && next.front() != ':') {
    return syntax("attribute name syntax error", name, rest);
  }
  Branches branches = TRY(branches_of(next, name));
  return named(name, branches, out, depth);
}

/// The $... at `at`. Returns where the text goes on.
Result<size_t> Expander::reference(std::string_view text, size_t at,
                                   std::string& out, int depth) {
  auto empty_name = [&] {
    return fail(Fault::Config, fmt::format("empty macro name: \"{}\"", text));
  };
  size_t start = at + 1;
  if (start >= text.size()) return empty_name();
  char open = text[start];
  if (open != '{' && open != '(') {
    size_t end = start;
    while (end < text.size() && is_name_char(text[end])) ++end;
    if (end == start) return empty_name();
    TRY(named(text.substr(start, end - start), {}, out, depth));
    return end;
  }
  char close = open == '{' ? '}' : ')';
  int level = 0;
  size_t end = start;
  for (; end < text.size(); ++end) {
    if (text[end] == open) ++level;
    if (text[end] == close && --level == 0) break;
  }
  if (end >= text.size()) {
    return fail(Fault::Config,
                fmt::format("truncated macro reference: \"{}\"", text));
  }
  std::string_view inside = text.substr(start + 1, end - start - 1);
  if (inside.empty()) return empty_name();
  TRY(braced(inside, out, depth));
  return end + 1;
}

Result<> Expander::expand(std::string_view text, std::string& out, int depth) {
  if (depth > 2 * kMaxNesting) {
    return fail(Fault::Config, fmt::format("unreasonable macro call nesting: "
                                           "\"{:.30}\"",
                                           text));
  }
  size_t at = 0;
  while (at < text.size()) {
    size_t dollar = text.find('$', at);
    out += text.substr(at, dollar - at);
    if (out.size() > kMaxExpansion) {
      return fail(Fault::Config, "macro expansion result is too long");
    }
    if (dollar == text.npos) break;
    if (dollar + 1 < text.size() && text[dollar + 1] == '$') {
      out += '$';
      at = dollar + 2;
    } else {
      at = TRY(reference(text, dollar, out, depth));
    }
  }
  return {};
}

}  // namespace

Result<Expansion> expand(std::string_view text, const Lookup& lookup,
                         const ExpandOptions& options) {
  Expansion result;
  Expander expander(lookup, options);
  TRY(expander.expand(text, result.text, 0));
  result.undefined = expander.undefined();
  result.filtered = expander.filtered();
  return result;
}

Result<> scan_names(std::string_view text,
                    const std::function<void(std::string_view)>& see) {
  std::string ignored;
  return Expander(see).expand(text, ignored, 0);
}

}  // namespace mail::config
