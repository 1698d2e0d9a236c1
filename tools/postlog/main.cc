// postlog(1): log records from scripts.
#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "common/base/ascii.h"
#include "common/daemon/command.h"
#include "common/log/log.h"

namespace mail::postlog {

namespace {

constexpr daemon::Command kCommand{.name = "postlog",
                                   .quiet_unless_terminal = true};

std::optional<log::Level> level_of(std::string_view name) {
  if (iequals(name, "info")) return log::Level::Info;
  if (iequals(name, "warn") || iequals(name, "warning")) {
    return log::Level::Warning;
  }
  if (iequals(name, "error") || iequals(name, "err")) return log::Level::Error;
  if (iequals(name, "fatal") || iequals(name, "crit")) {
    return log::Level::Fatal;
  }
  if (iequals(name, "panic")) return log::Level::Panic;
  return std::nullopt;
}

/// The next line of standard input without its newline, at most 16 kB of it
/// at once; nullopt at the end.
std::optional<std::string> next_line(std::string& buffer) {
  constexpr size_t kLimit = 16384;
  while (true) {
    size_t end = buffer.find('\n');
    if (end != buffer.npos || buffer.size() >= kLimit) {
      size_t size = std::min(end, kLimit);
      std::string line = buffer.substr(0, size);
      buffer.erase(0, size == end ? size + 1 : size);
      return line;
    }
    char bytes[4096];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (n <= 0) break;
    buffer.append(bytes, static_cast<size_t>(n));
  }
  if (buffer.empty()) return std::nullopt;
  return std::exchange(buffer, {});
}

void log_input(log::Level level) {
  std::string buffer;
  while (auto line = next_line(buffer)) log::line(level, *line);
}

[[noreturn]] void usage() {
  daemon::fatal(
      "usage: postlog [-c config_dir] [-i] [-p priority] [-t tag] [-v] "
      "[text]");
}

}  // namespace

int run(int argc, char** argv) {
  daemon::begin_command(kCommand);
  std::string tag;
  log::Level level = log::Level::Info;
  opterr = 0;
  int letter;
  while ((letter = getopt(argc, argv, "+c:ip:t:v")) > 0) {
    switch (letter) {
      case 'c':
        daemon::use_config_directory(optarg);
        break;
      case 'i':  // the pid is there in any case
      case 'v':
        break;
      case 'p': {
        auto found = level_of(optarg);
        if (!found) {
          daemon::fatal(fmt::format("bad severity: \"{}\"", optarg));
        }
        level = *found;
        break;
      }
      case 't':
        tag = optarg;
        break;
      default:
        usage();
    }
  }
  daemon::load_settings(kCommand);
  log::Config config = log::config();
  if (!tag.empty()) config.ident = config.stderr_name = tag;
  if (tag.empty()) config.stderr_name = config.tag + "/postlog";
  log::open(std::move(config));
  if (optind == argc) {
    log_input(level);
    return 0;
  }
  std::string text;
  for (int i = optind; i < argc; ++i) {
    if (i > optind) text += ' ';
    text += argv[i];
  }
  log::line(level, text);
  return 0;
}

}  // namespace mail::postlog

int main(int argc, char** argv) { return mail::postlog::run(argc, argv); }
