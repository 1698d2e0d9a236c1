#include "submission/sendmail/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/utf8.h"

namespace mail::sendmail {

namespace {

Failure fatal(std::string text) { return fail(Fault::Config, std::move(text)); }

Result<> set_mode(Options& out, std::string_view value) {
  if (value.empty()) return fatal("usage: sendmail [options]");
  switch (value[0]) {
    case 'm':
      out.mode = Mode::Deliver;
      break;
    case 's':
      out.mode = Mode::Smtp;
      break;
    case 'v':
      out.mode = Mode::Verify;
      break;
    case 'p':
      out.mode = Mode::ListQueue;
      break;
    case 'i':
      out.mode = Mode::NewAliases;
      break;
    case 'd':
    case 'l':
      out.mode = Mode::Daemon;
      break;
    case 'h':
    case 'H':
      out.mode = Mode::Ignore;
      break;
    default:
      return fatal(fmt::format("unsupported: -b{}", value[0]));
  }
  return {};
}

/// "never" alone, or of success, failure, delay. 0: none of that.
int notify_mask(std::string_view list) {
  int mask = 0;
  for (std::string_view word : split(list)) {
    int bit = iequals(word, "never")     ? 1
              : iequals(word, "success") ? 2
              : iequals(word, "failure") ? 4
              : iequals(word, "delay")   ? 8
                                         : 0;
    if (bit == 0) return 0;
    mask |= bit;
  }
  return (mask & 1) && mask != 1 ? 0 : mask;
}

void set_envelope_id(Options& out, std::string_view value) {
  // Of old, -V was for VERP: a + or a pair of delimiters.
  if (value.size() > 100) {
    out.warnings.emplace_back("too long -V option value -- ignored");
  } else if (!is_ascii(value) ||
             value.find_first_of(" \t\r\n") != std::string_view::npos) {
    out.warnings.emplace_back("bad syntax in -V option value -- ignored");
  } else {
    out.envelope_id = value;
  }
}

void set_queue_mode(Options& out, std::string_view value) {
  if (value.starts_with('R')) {
    out.mode = Mode::FlushSite;
    out.flush_what = value.substr(1);
  } else if (value.starts_with('I')) {
    out.mode = Mode::FlushId;
    out.flush_what = value.substr(1);
  } else if (!value.empty() && is_digit(value[0])) {
    if (out.mode != Mode::Daemon) out.mode = Mode::Ignore;
  } else {
    out.mode = Mode::FlushQueue;
  }
}

void set_old_option(Options& out, std::string_view value) {
  if (value == "i") out.dot_ends = false;
  if (value == "t") out.extract = true;
  if (value.starts_with('A')) out.alias_table = value.substr(1);
}

Result<> take(Options& out, int letter, std::string_view value) {
  switch (letter) {
    case 'b':
      return set_mode(out, value);
    case 'B':
      if (iequals(value, "8BITMIME"))
        out.encoding = "8bit";
      else if (iequals(value, "7BIT"))
        out.encoding = "7bit";
      else
        return fatal("-B option needs 8BITMIME or 7BIT");
      break;
    case 'C':
      out.config_directory = value;
      if (iends_with(value, "/main.cf")) {
        out.config_directory = value.substr(0, value.size() - 8);
      }
      break;
    case 'F':
      out.full_name = value;
      break;
    case 'f':
    case 'r':
      out.sender = std::string(value);
      break;
    case 'G':
      out.relay = true;
      break;
    case 'I':
      out.mode = Mode::NewAliases;
      break;
    case 'i':
      out.dot_ends = false;
      break;
    case 'N':
      out.notify = notify_mask(value);
      if (!out.notify) {
        out.warnings.emplace_back("bad -N option value -- ignored");
      }
      break;
    case 'n':
      return fatal("-n option not supported");
    case 'o':
      set_old_option(out, value);
      break;
    case 'q':
      set_queue_mode(out, value);
      break;
    case 'R':
      out.ret = iequals(value, "full") ? 1 : iequals(value, "hdrs") ? 2 : 0;
      if (!out.ret) out.warnings.emplace_back("bad -R option value -- ignored");
      break;
    case 't':
      out.extract = true;
      break;
    case 'V':
      set_envelope_id(out, value);
      break;
    case 'v':
      ++out.verbose;
      break;
    case 'X':
      if (!value.starts_with('V')) {
        return fatal(fmt::format("unsupported: -X{}", value.substr(0, 1)));
      }
      out.use_verp = true;
      out.verp = value.substr(1);
      break;
    case '?':
      return fatal("usage: sendmail [options]");
    default:
      break;  // accepted for others' sake, no meaning here
  }
  return {};
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options out;
  std::string_view name = argc > 0 ? argv[0] : "sendmail";
  name.remove_prefix(name.rfind('/') + 1);
  if (name == "mailq") out.mode = Mode::ListQueue;
  if (name == "newaliases") out.mode = Mode::NewAliases;
  if (name == "smtpd") out.mode = Mode::Daemon;
  opterr = 0;
  optind = 0;
  int letter;
  while ((letter = getopt(argc, argv,
                          "+A:B:C:F:GIL:N:O:R:UV:X:b:ce:f:h:imno:p:r:q::tvx")) >
         0) {
    TRY(take(out, letter, optarg ? optarg : ""));
  }
  out.recipients.assign(argv + optind, argv + argc);
  return out;
}

}  // namespace mail::sendmail
