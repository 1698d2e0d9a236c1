#include "lmtp/dovecot-lda/options.h"

#include <fmt/format.h>

namespace mail::lda {

const char* const kUsage =
    "Usage: dovecot-lda [-c <config file>] [-d <username>] [-p <path>]\n"
    "                   [-m <mailbox>] [-e] [-k] [-f <envelope sender>]\n"
    "                   [-a <original envelope recipient>]\n"
    "                   [-r <final envelope recipient>] ";

namespace {

constexpr std::string_view kWithValue = "cdmpfaro";

std::string without_brackets(std::string text) {
  if (text.size() >= 2 && text.front() == '<' && text.back() == '>') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

void set_value(Options& o, char letter, std::string value) {
  switch (letter) {
    case 'c':
      o.config = std::move(value);
      break;
    case 'd':
      o.user = std::move(value);
      break;
    case 'm':
      o.mailbox = std::move(value);
      break;
    case 'p':
      o.path = std::move(value);
      break;
    case 'f':
      o.sender = without_brackets(std::move(value));
      break;
    case 'a':
      o.original_address = without_brackets(std::move(value));
      break;
    case 'r':
      o.final_address = without_brackets(std::move(value));
      break;
    default: {  // o
      auto equals = value.find('=');
      if (equals == std::string::npos) break;
      o.settings.emplace_back(value.substr(0, equals),
                              value.substr(equals + 1));
    }
  }
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word.size() < 2 || word[0] != '-') {
      return fail(Fault::Config,
                  fmt::format("lda: Fatal: Unknown argument: {}", word));
    }
    for (size_t at = 1; at < word.size(); ++at) {
      char letter = word[at];
      if (letter == 'e') {
        o.stderr_rejection = true;
        continue;
      }
      if (letter == 'k') continue;  // there is no environment to be cleaned
      if (kWithValue.find(letter) == std::string_view::npos) {
        return fail(Fault::Config,
                    fmt::format("{}: invalid option -- '{}'", argv[0], letter));
      }
      std::string value(word.substr(at + 1));
      if (value.empty()) {
        if (i + 1 == argc) {
          return fail(Fault::Config,
                      fmt::format("{}: option requires an argument -- '{}'",
                                  argv[0], letter));
        }
        value = argv[++i];
      }
      set_value(o, letter, std::move(value));
      break;
    }
  }
  return o;
}

}  // namespace mail::lda
