#include "tools/postmap/request.h"

#include <unistd.h>

namespace mail::postmap {
namespace {

namespace flag = maps::flag;

constexpr std::string_view kPostmapUsage =
    "usage: postmap [-bfFhimnNoprsuUvw] [-c config_dir] [-d key] [-q key] "
    "[map_type:]file...";
constexpr std::string_view kPostaliasUsage =
    "usage: postalias [-Nfinoprsuvw] [-c config_dir] [-d key] [-q key] "
    "[map_type:]file...";

Failure usage(Program program) {
  return fail(Fault::Config,
              std::string(program == Program::Postmap ? kPostmapUsage
                                                      : kPostaliasUsage));
}

void set_flag(Request& request, char letter) {
  int& flags = request.flags;
  constexpr int kDup = flag::kDupWarn | flag::kDupIgnore | flag::kDupReplace;
  switch (letter) {
    case 'f':
      flags &= ~flag::kFoldFix;
      break;
    case 'n':
      flags |= flag::kTry0Null;
      flags &= ~flag::kTry1Null;
      break;
    case 'N':
      flags |= flag::kTry1Null;
      flags &= ~flag::kTry0Null;
      break;
    case 'r':
      flags = (flags & ~kDup) | flag::kDupReplace;
      break;
    case 'w':
      flags = (flags & ~kDup) | flag::kDupIgnore;
      break;
  }
}

void set_switch(Request& request, char letter) {
  switch (letter) {
    case 'b':
      request.body = true;
      break;
    case 'F':
      request.files = true;
      break;
    case 'h':
      request.headers = true;
      break;
    case 'i':
      request.incremental = true;
      break;
    case 'm':
      request.mime = true;
      break;
    case 'o':
      request.keep_root = true;
      break;
    case 'p':
      request.plain_mode = true;
      break;
    case 'u':
      request.utf8 = Request::Utf8::Never;
      break;
    case 'U':
      request.utf8 = Request::Utf8::Always;
      break;
    case 'v':
      ++request.verbose;
      break;
    default:
      set_flag(request, letter);
  }
}

Result<> check(Request& request) {
  bool message = request.headers || request.body;
  if (message && (!request.query || *request.query != "-")) {
    return fail(Fault::Config, "specify -b -h or -m only with \"-q -\"");
  }
  if (request.tables.empty()) return usage(request.program);
  return {};
}

}  // namespace

Result<Request> parse_request(Program program, int argc, char** argv) {
  Request request;
  request.program = program;
  const char* letters = program == Program::Postmap ? "bc:d:fFhimnNopq:rsuUvw"
                                                    : "c:d:finNopq:rsuvw";
  int letter = 0;
  while ((letter = ::getopt(argc, argv, letters)) > 0) {
    switch (letter) {
      case 'c':
        request.config_directory = optarg;
        break;
      case 'd':
        if (request.sequence || request.query || request.remove) {
          return fail(Fault::Config, "specify only one of -s -q or -d");
        }
        request.remove = optarg;
        break;
      case 'q':
        if (request.sequence || request.query || request.remove) {
          return fail(Fault::Config, "specify only one of -s -q or -d");
        }
        request.query = optarg;
        break;
      case 's':
        if (request.query || request.remove) {
          return fail(Fault::Config, "specify only one of -s or -q or -d");
        }
        request.sequence = true;
        break;
      case '?':
        return usage(program);
      default:
        set_switch(request, static_cast<char>(letter));
    }
  }
  for (int i = optind; i < argc; ++i) request.tables.emplace_back(argv[i]);
  TRY(check(request));
  return request;
}

TableName table_name(const Context& context, const std::string& text) {
  size_t colon = text.find(':');
  if (colon == text.npos) return {context.default_type, text};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace mail::postmap
