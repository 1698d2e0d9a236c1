#include "tools/doveconf/options.h"

#include <fmt/format.h>
#include <unistd.h>

namespace mail::doveconf {

namespace {

constexpr char kDefaultPath[] = "/etc/dovecot/dovecot.conf";

Result<> take_filter(std::string_view text, config::dovecot::Context& context) {
  size_t equals = text.find('=');
  std::string_view name = text.substr(0, equals);
  std::string value(equals == std::string_view::npos ? ""
                                                     : text.substr(equals + 1));
  if (name == "service" || name == "protocol") {
    context.service = value;
  } else if (name == "lname") {
    context.local_name = value;
  } else if (name == "local") {
    context.local_ip = value;
  } else if (name == "remote") {
    context.remote_ip = value;
  } else {
    return fail(Fault::Config,
                fmt::format("Unknown filter argument: {}", text));
  }
  return {};
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options out;
  out.path = kDefaultPath;
  bool run = false;
  int c;
  opterr = 0;
  while (!run && (c = getopt(argc, argv, "+c:def:hH:m:nNpPaexsS")) > 0) {
    switch (c) {
      case 'c':
        out.path = optarg;
        break;
      case 'd':
        out.defaults = true;
        break;
      case 'e':
        run = true;
        break;
      case 'f':
        TRY(take_filter(optarg, out.context));
        break;
      case 'h':
        out.only_value = true;
        break;
      case 'H':
        out.host_hash = optarg;
        break;
      case 'm':
        out.modules.emplace_back(optarg);
        break;
      case 'n':
        out.scope = Scope::NotDefault;
        break;
      case 'N':
        out.scope = Scope::Set;
        break;
      case 'a':
        out.scope = Scope::All;
        break;
      case 'p':
        break;  // all is parsed always
      case 'P':
        out.secrets = true;
        break;
      case 's':
        out.hidden = true;
        break;
      case 'S':
        out.simple = out.secrets = true;
        break;
      case 'x':
        out.expand = true;
        break;
      default:
        return fail(Fault::Config, fmt::format("invalid option -- '{}'",
                                               static_cast<char>(optopt)));
    }
  }
  if (run) {
    out.command.assign(argv + optind, argv + argc);
    if (out.command.empty()) {
      return fail(Fault::Config, "Missing command for -e");
    }
    out.expand = true;
  } else {
    out.settings.assign(argv + optind, argv + argc);
  }
  return out;
}

}  // namespace mail::doveconf
