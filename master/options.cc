#include "master/options.h"

#include <unistd.h>

#include "common/base/number.h"

namespace mail::master {

namespace {

Failure usage() {
  return fail(Fault::Config,
              "usage: master [-c config_dir] [-D (debug)] [-d (don't detach "
              "from terminal)] [-e exit_time] [-t (test)] [-v] [-w (wait for "
              "initialization)]");
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options out;
  opterr = 0;
  int letter;
  while ((letter = getopt(argc, argv, "c:Dde:istvw")) > 0) {
    switch (letter) {
      case 'c':
        out.config_directory = optarg;
        break;
      case 'D':
        break;  // a debugger is attached from outside
      case 'd':
        out.attached = true;
        break;
      case 'e': {
        auto seconds = parse_number<long>(optarg);
        if (!seconds || *seconds <= 0) return usage();
        out.exit_after = *seconds;
        break;
      }
      case 'i':
        if (getpid() != 1) {
          return fail(Fault::Config, "-i is allowed only for PID 1 process");
        }
        out.init = out.keep_stdout = true;
        break;
      case 's':
        out.keep_stdout = true;
        break;
      case 't':
        out.test_lock = true;
        break;
      case 'v':
        ++out.verbose;
        break;
      case 'w':
        out.wait = true;
        break;
      default:
        return usage();
    }
  }
  if (optind < argc) return usage();
  if (out.test_lock && out.wait) {
    return fail(Fault::Config, "the -t and -w options cannot be used together");
  }
  if (out.init && (out.attached || out.wait)) {
    return fail(Fault::Config, "the -i option cannot be used with -d or -w");
  }
  return out;
}

}  // namespace mail::master
