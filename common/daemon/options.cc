#include "common/daemon/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/number.h"

namespace mail::daemon {

namespace {

Result<> take(Options& out, int letter, const char* value) {
  switch (letter) {
    case 'c':
      out.chroot = true;
      break;
    case 'd':
      out.stays_attached = true;
      break;
    case 'D':
      break;  // a debugger is attached from outside
    case 'i':
      out.max_idle = value;
      break;
    case 'l':
      out.alone = true;
      break;
    case 'm':
      out.max_use = value;
      break;
    case 'n':
      out.service = value;
      break;
    case 'o':
      out.overrides.emplace_back(value);
      break;
    case 'r':
      out.retire = value;
      break;
    case 's': {
      auto count = parse_number<size_t>(value);
      if (!count || *count < 1 || *count > 1000) {
        return fail(Fault::Config,
                    fmt::format("invalid socket_count: {}", value));
      }
      out.sockets = *count;
      break;
    }
    case 'S':
      out.standalone = true;
      break;
    case 't':
      out.transport = value;
      break;
    case 'u':
      out.unprivileged = true;
      break;
    case 'v':
      ++out.verbose;
      break;
    case 'V':
      out.to_stderr = true;
      break;
    case 'z':
      out.unlimited = true;
      break;
    default:
      return fail(Fault::Config,
                  fmt::format("invalid option: {}", static_cast<char>(optopt)));
  }
  return {};
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options out;
  opterr = 0;
  optind = 1;
  int letter;
  // "+": options end at the first word that is none, as on other systems.
  while ((letter = getopt(argc, argv, "+cdDi:lm:n:o:r:s:St:uvVz")) > 0) {
    TRY(take(out, letter, optarg));
  }
  out.arguments.assign(argv + optind, argv + argc);
  return out;
}

}  // namespace mail::daemon
