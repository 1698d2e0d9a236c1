#include "master/dovecot/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

namespace mail::dovecot {

const std::string_view kUsage =
    "Usage: dovecot [-F] [-c <config file>] [-p] [-n] [-a] [--help] "
    "[--version]\n"
    "       [--build-options] [--hostdomain] [reload] [stop]\n";
const std::string_view kBuildOptions =
    "Build options: ioloop=epoll notify=inotify openssl "
    "io_block_size=8192\n"
    "SQL driver plugins:\n"
    "Passdb: pam passwd passwd-file shadow static\n"
    "Userdb: passwd passwd-file prefetch static\n";

void write_stdout(std::string_view text) {
  while (!text.empty()) {
    ssize_t n = write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

namespace {

Result<Command> long_option(std::string_view word) {
  if (word == "--help") return Command::Help;
  if (word == "--version") return Command::Version;
  if (word == "--build-options") return Command::BuildOptions;
  if (word == "--hostdomain") return Command::HostDomain;
  return fail(Fault::Config, fmt::format("Unknown argument: {}", word));
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options out;
  int i = 1;
  for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; ++i) {
    std::string_view word = argv[i];
    if (word.starts_with("--")) {
      out.command = TRY(long_option(word));
    } else if (word == "-F") {
      out.foreground = true;
    } else if (word == "-n" || word == "-a") {
      out.command = Command::Doveconf;
      out.doveconf_option = word;
    } else if (word == "-c" && i + 1 < argc) {
      out.config_path = argv[++i];
    } else if (word.starts_with("-c") && word.size() > 2) {
      out.config_path = word.substr(2);
    } else if (word == "-p") {
      return fail(Fault::Config,
                  "-p is not built yet: set ssl_key_password, or decrypt the "
                  "key");
    } else {
      return fail(Fault::Config, fmt::format("Unknown argument: {}", word));
    }
  }
  if (i == argc) return out;
  std::string_view command = argv[i];
  out.command = command == "stop"     ? Command::Stop
                : command == "reload" ? Command::Reload
                                      : Command::Doveadm;
  out.words.assign(argv + i, argv + argc);
  return out;
}

}  // namespace mail::dovecot
