// postlock(1): runs a command while a mail folder is locked.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/config/postfix/params.h"
#include "common/daemon/command.h"
#include "common/log/log.h"
#include "tools/postlock/folder_lock.h"

namespace mail::postlock {

namespace param = config::param;

namespace {

constexpr int kTemporary = 75;
constexpr daemon::Command kCommand{.name = "postlock",
                                   .fatal_status = kTemporary};

[[noreturn]] void usage() {
  daemon::fatal(
      "usage: postlock [-c config_dir] [-l lock_style] [-v] folder command...");
}

/// The command's exit status; 1 if it was killed.
int run_command(char** argv) {
  pid_t pid = fork();
  if (pid < 0) daemon::fatal(fmt::format("fork: {}", strerror(errno)));
  if (pid == 0) {
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], argv);
    log::fatal_with_status(
        fmt::format("execvp {}: {}", argv[0], strerror(errno)), 1);
  }
  int status;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int run(int argc, char** argv) {
  daemon::begin_command(kCommand);
  std::string style_text;
  opterr = 0;
  int letter;
  while ((letter = getopt(argc, argv, "+c:l:v")) > 0) {
    if (letter == 'c') daemon::use_config_directory(optarg);
    if (letter == 'l') style_text = optarg;
    if (letter == '?') usage();
  }
  if (argc - optind < 2) usage();
  auto settings = daemon::load_settings(kCommand);
  if (style_text.empty()) {
    style_text = settings->get(param::mailbox_delivery_lock);
  }
  auto styles = parse_styles(style_text);
  if (!styles) {
    daemon::fatal(
        fmt::format("unknown mailbox_delivery_lock value \"{}\" in \"{}\"",
                    styles.error().what, style_text));
  }
  LockPatience patience;
  patience.attempts =
      static_cast<int>(settings->get(param::deliver_lock_attempts));
  patience.delay = settings->get(param::deliver_lock_delay);
  patience.stale = settings->get(param::stale_lock_time);
  int status;
  {
    auto lock = FolderLock::take(argv[optind], *styles, patience);
    if (!lock) {
      log::set_fatal_delay(0);
      daemon::fatal(lock.error().what);
    }
    status = run_command(argv + optind + 1);
  }
  return status;
}

}  // namespace mail::postlock

int main(int argc, char** argv) { return mail::postlock::run(argc, argv); }
