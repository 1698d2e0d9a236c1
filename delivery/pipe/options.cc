#include "delivery/pipe/options.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"

namespace mail::pipe {

namespace {

Result<> set_flags(Options& out, std::string_view flags) {
  for (char flag : flags) {
    switch (flag) {
      case 'B':
        out.blank_line = true;
        break;
      case 'D':
        out.delivered_to = true;
        break;
      case 'F':
        out.from_line = true;
        break;
      case 'O':
        out.original_to = true;
        break;
      case 'R':
        out.return_path = true;
        break;
      case 'X':
        out.final_delivery = true;
        break;
      case '.':
        out.stuff_dots = true;
        break;
      case '>':
        out.quote_from = true;
        break;
      case 'h':
        out.fold_domain = true;
        break;
      case 'u':
        out.fold_user = true;
        break;
      case 'q':
        out.quote_addresses = true;
        break;
      default:
        return fail(Fault::Config,
                    fmt::format("unknown flag: {} (ignored)", flag));
    }
  }
  return {};
}

char simple_escape(char c) {
  constexpr std::string_view kNames = "abfnrtv", kBytes = "\a\b\f\n\r\t\v";
  size_t at = kNames.find(c);
  return at == std::string_view::npos ? c : kBytes[at];
}

/// C escapes: \n, \015, \\.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    ++i;
    size_t digits = 0;
    int value = 0;
    while (digits < 3 && i + digits < text.size() && text[i + digits] >= '0' &&
           text[i + digits] <= '7') {
      value = value * 8 + (text[i + digits++] - '0');
    }
    out += digits > 0 ? static_cast<char>(value) : simple_escape(text[i]);
    if (digits > 0) i += digits - 1;
  }
  return out;
}

Result<> set_option(Options& out, std::string_view name,
                    std::string_view value) {
  if (name == "flags") return set_flags(out, value);
  if (name == "user") {
    out.user = value;
  } else if (name == "directory") {
    out.directory = value;
  } else if (name == "chroot") {
    out.root = value;
  } else if (name == "eol") {
    out.newline = unescape(value);
  } else if (name == "null_sender") {
    out.null_sender = value;
  } else if (name == "size") {
    auto size = parse_number<long>(value);
    if (!size || *size < 0) {
      return fail(Fault::Config, fmt::format("bad size= value: {}", value));
    }
    out.size_limit = *size;
  } else {
    return fail(Fault::Config,
                fmt::format("unknown attribute name: {}={}", name, value));
  }
  return {};
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view text = arguments[i];
    size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
      return fail(Fault::Config,
                  fmt::format("unknown attribute name: {}", text));
    }
    auto name = text.substr(0, equals), value = text.substr(equals + 1);
    if (name != "argv") {
      TRY(set_option(out, name, value));
      continue;
    }
    if (!value.empty()) out.argv.emplace_back(value);
    out.argv.insert(out.argv.end(), arguments.begin() + long(i) + 1,
                    arguments.end());
    break;
  }
  if (out.user.empty()) {
    return fail(Fault::Config, "missing user= command-line attribute");
  }
  if (out.argv.empty()) {
    return fail(Fault::Config, "missing argv= command-line attribute");
  }
  return out;
}

}  // namespace mail::pipe
