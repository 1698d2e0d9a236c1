#include "dkim-milter/options.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/number.h"

namespace mail::dkim_milter {

namespace {

struct Flag {
  char letter;
  const char* operand;  // "": none
  const char* help;
  const char* setting;  // what it overrides; "": handled by itself
  const char* value;    // of a flag without operand
};

constexpr Flag kFlags[] = {
    {'A', "", "auto-restart", "AutoRestart", "yes"},
    {'b', "modes", "select operating modes", "Mode", ""},
    {'c', "canon", "canonicalization to use when signing", "Canonicalization",
     ""},
    {'d', "domlist", "domains to sign", "Domain", ""},
    {'D', "", "also sign subdomains", "SubDomains", "yes"},
    {'e', "name", "extract configuration value and exit", "", ""},
    {'f', "", "don't fork-and-exit", "Background", "no"},
    {'F', "time", "fixed timestamp to use when signing (test mode only)", "",
     ""},
    {'k', "keyfile", "location of secret key file", "KeyFile", ""},
    {'l', "", "log activity to system log", "Syslog", "yes"},
    {'L', "limit", "signature limit requirements", "Minimum", ""},
    {'n', "", "check configuration and exit", "", ""},
    {'o', "hdrlist", "list of headers to omit from signing", "OmitHeaders", ""},
    {'p', "socket", "socket to talk to the MTA", "Socket", ""},
    {'P', "pidfile", "file to which to write pid", "PidFile", ""},
    {'Q', "", "query test mode", "", ""},
    {'r', "", "require basic RFC5322 header compliance", "RequiredHeaders",
     "yes"},
    {'s', "selector", "selector to use when signing", "Selector", ""},
    {'S', "signalg", "signature algorithm", "SignatureAlgorithm", ""},
    {'t', "testfile", "evaluate RFC5322 message in \"testfile\"", "", ""},
    {'T', "timeout", "DNS timeout (seconds)", "DNSTimeout", ""},
    {'u', "userid", "change to specified userid", "UserID", ""},
    {'v', "", "increase verbosity during testing", "", ""},
    {'V', "", "print version number and terminate", "", ""},
    {'W', "", "\"why?!\" mode (log sign/verify decision logic)", "LogWhy",
     "yes"},
    {'x', "conffile", "read configuration from conffile", "", ""},
    {'X', "", "tolerate configuration items for newer versions", "", ""},
};

void print_usage() {
  std::string text = "opendkim: usage: opendkim -p socketfile [options]\n";
  for (const Flag& flag : kFlags) {
    text += fmt::format("\t{:<12}\t{}\n",
                        fmt::format("-{} {}", flag.letter, flag.operand),
                        flag.help);
  }
  (void)write_all(STDERR_FILENO, text);
}

std::string optstring() {
  std::string out;
  for (const Flag& flag : kFlags) {
    out += flag.letter;
    if (*flag.operand) out += ':';
  }
  return out;
}

const Flag* find_flag(int letter) {
  for (const Flag& flag : kFlags) {
    if (flag.letter == letter) return &flag;
  }
  return nullptr;
}

/// False: the operand is wrong, and that has been told.
bool apply(const Flag& flag, const std::string& operand, Options& out) {
  using Mode = Options::Mode;
  switch (flag.letter) {
    case 'e':
      if (out.mode != Mode::Check) out.mode = Mode::Show;
      out.show = operand;
      return true;
    case 'F':
      out.fixed_time = parse_number<int64_t>(operand);
      if (!out.fixed_time) {
        (void)write_all(STDERR_FILENO, "opendkim: invalid time value\n");
      }
      return out.fixed_time.has_value();
    case 'n':
      out.mode = Mode::Check;
      return true;
    case 'Q':
      out.mode = Mode::Query;
      return true;
    case 't':
      out.mode = Mode::Test;
      out.test_files = operand;
      return true;
    case 'T':
      if (!parse_number<unsigned>(operand)) {
        (void)write_all(STDERR_FILENO, "opendkim: invalid value for -T\n");
        return false;
      }
      break;
    case 'v':
      ++out.verbosity;
      return true;
    case 'V':
      out.mode = Mode::Version;
      return true;
    case 'x':
      out.conf_file = operand;
      return true;
    case 'X':
      return true;
    default:
      break;
  }
  out.settings.emplace_back(flag.setting, *flag.operand ? operand : flag.value);
  return true;
}

std::string join_arguments(int argc, char** argv) {
  std::string out;
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (!out.empty()) out += ' ';
    bool blank = word.find(' ') != std::string_view::npos;
    out += blank ? fmt::format("\"{}\"", word) : std::string(word);
  }
  return out;
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& status) {
  Options out;
  out.arguments = join_arguments(argc, argv);
  status = EX_USAGE;
  std::string letters = optstring();
  for (int letter; (letter = getopt(argc, argv, letters.c_str())) != -1;) {
    const Flag* flag = find_flag(letter);
    std::string operand = flag && *flag->operand ? optarg : "";
    if (!flag || (*flag->operand && operand.empty())) {
      print_usage();
      return std::nullopt;
    }
    if (!apply(*flag, operand, out)) return std::nullopt;
    if (out.mode == Options::Mode::Version) return out;
  }
  if (optind != argc) {
    print_usage();
    return std::nullopt;
  }
  return out;
}

}  // namespace mail::dkim_milter
