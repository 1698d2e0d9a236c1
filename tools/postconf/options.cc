#include "tools/postconf/options.h"

#include <fmt/core.h>

#include "common/base/ascii.h"

namespace mail::postconf {

namespace {

// In the order in which messages name them.
constexpr std::string_view kLetters = "aAbCdefFhHlmMnopPtTxX#";
constexpr std::string_view kWithValue = "cCoT";
/// No two of one line go together.
constexpr std::string_view kExclusive[] = {
    "aAbFlmMpPtT", "dn", "do", "hH", "eX#", "de", "en", "eh", "eH",
    "ef",          "eo", "ex", "dX", "d#",  "nX", "n#", "hX", "h#",
    "HX",          "H#", "fX", "f#", "oX",  "o#", "xX", "x#"};
struct Forbidden {
  char mode;
  std::string_view letters;
};
constexpr Forbidden kForbidden[] = {{'F', "dnX#"},       {'M', "dhHn"},
                                    {'P', "dn#"},        {'a', "defhHnoxX#"},
                                    {'A', "defhHnoxX#"}, {'b', "defhHnoxX#"},
                                    {'l', "defhHnoxX#"}, {'m', "defhHnoxX#"},
                                    {'t', "defhHnoxX#"}, {'T', "defhHnoxX#"}};

std::string usage(std::string_view program) {
  return fmt::format(
      "usage: {} [-a (server SASL types)] [-A (client SASL types)] "
      "[-b (bounce templates)] [-c config_dir] [-c param_class] "
      "[-d (parameter defaults)] [-e (edit configuration)] [-f (fold lines)] "
      "[-F (master.cf fields)] [-h (no names)] [-H (no values)] "
      "[-l (lock types)] [-m (map types)] [-M (master.cf)] "
      "[-n (non-default parameters)] [-o name=value (override parameter "
      "value)] [-p (main.cf, default)] [-P (master.cf parameters)] "
      "[-t (bounce templates)] [-T "
      "compile-version|run-version|public-key-algorithms] [-v (verbose)] "
      "[-x (expand parameter values)] [-X (exclude)] [-# (comment-out)] "
      "[name...]",
      program);
}

Result<> parse_classes(std::string_view text, Options& options) {
  options.builtin = options.service = options.user = false;
  for (std::string_view name : split(text)) {
    bool all = iequals(name, "all");
    if (!all && !iequals(name, "builtin") && !iequals(name, "service") &&
        !iequals(name, "user")) {
      return bad(
          fmt::format("unknown -C option value \"{}\" in \"{}\"", name, text));
    }
    options.builtin |= all || iequals(name, "builtin");
    options.service |= all || iequals(name, "service");
    options.user |= all || iequals(name, "user");
  }
  return {};
}

Result<> take_value(char letter, std::string_view value, Options& options) {
  switch (letter) {
    case 'c':
      options.config_directory = value;
      return {};
    case 'C':
      return parse_classes(value, options);
    case 'T':
      options.tls_mode = value;
      return {};
    default: {
      auto pair = config::parse_override(value);
      if (!pair) {
        return bad(fmt::format("invalid parameter override: {}: {}", value,
                               pair.error().what));
      }
      options.overrides.push_back(std::move(*pair));
      return {};
    }
  }
}

Result<> check(const Options& options) {
  for (std::string_view set : kExclusive) {
    std::string found;
    for (char letter : kLetters) {
      if (set.find(letter) != set.npos && options.has(letter)) {
        found += fmt::format(" -{}", letter);
      }
    }
    if (found == " -b -t") return bad("specify one of -b and -t");
    if (found.size() > 3) return bad("specify one of" + found);
  }
  for (const Forbidden& rule : kForbidden) {
    if (!options.has(rule.mode)) continue;
    std::string found;
    for (char letter : rule.letters) {
      if (options.has(letter)) found += fmt::format(" -{}", letter);
    }
    if (!found.empty()) {
      return bad(
          fmt::format("with option -{}, do not specify{}", rule.mode, found));
    }
  }
  return {};
}

}  // namespace

Result<Options> parse_options(int argc, char** argv, std::string& invalid) {
  Options options;
  int at = 1;
  for (; at < argc; ++at) {
    std::string_view arg = argv[at];
    if (arg == "--") {
      ++at;
      break;
    }
    if (arg.size() < 2 || arg.front() != '-') break;
    for (size_t i = 1; i < arg.size(); ++i) {
      char letter = arg[i];
      bool known = letter == 'v' || letter == 'c' ||
                   kLetters.find(letter) != kLetters.npos;
      bool wants = kWithValue.find(letter) != kWithValue.npos;
      if (!known || (wants && i + 1 == arg.size() && at + 1 == argc)) {
        invalid = fmt::format(
            "{}: {} -- '{}'", argv[0],
            known ? "option requires an argument" : "invalid option", letter);
        return bad(usage(argv[0]));
      }
      if (letter != 'v' && letter != 'c' && !options.has(letter)) {
        options.letters += letter;
      }
      if (!wants) continue;
      std::string_view value =
          i + 1 < arg.size() ? arg.substr(i + 1) : argv[++at];
      TRY(take_value(letter, value, options));
      break;
    }
  }
  for (; at < argc; ++at) options.args.emplace_back(argv[at]);
  // A first argument name=value means -e.
  if (!options.has('e') && !options.args.empty() &&
      options.letters.find_first_of("aAblmtT") == std::string::npos &&
      options.args[0].find('=') != std::string::npos) {
    options.letters += 'e';
  }
  TRY(check(options));
  return options;
}

}  // namespace mail::postconf
