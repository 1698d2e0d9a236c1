// postdrop(1): takes a message from sendmail(1) on its standard input and
// leaves it in the maildrop directory. Installed set-gid postdrop.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/base/file.h"
#include "common/config/postfix/params.h"
#include "common/daemon/caller.h"
#include "common/daemon/command.h"
#include "common/ipc/cleanup.h"
#include "common/ipc/trigger.h"
#include "common/maps/tables.h"
#include "common/net/loop.h"
#include "common/process/ids.h"
#include "submission/postdrop/drop.h"
#include "submission/postdrop/sender.h"

namespace mail::postdrop {

namespace param = config::param;
namespace command = daemon;

namespace {

constexpr daemon::Command kCommand{.name = "postdrop", .privileged = true};
constexpr size_t kWriteSize = 65536;

// For the signal handler: what to remove when we are interrupted.
char unfinished_path[256];

void remove_and_die(int) {
  if (unfinished_path[0]) unlink(unfinished_path);
  _exit(1);
}

void guard(const std::string& path) {
  if (path.size() < sizeof(unfinished_path)) {
    memcpy(unfinished_path, path.c_str(), path.size() + 1);
  }
}

[[noreturn]] void fatal(std::string_view text) {
  if (unfinished_path[0]) unlink(unfinished_path);
  command::fatal(fmt::format("uid={}: {}", getuid(), text));
}

/// The maildrop may be full or not ours; mail must not get lost over that, so
/// this goes on for ever, as the caller expects.
queue::NewFile create_file() {
  while (true) {
    auto file = queue::create({}, queue::kMaildrop, 0644);
    if (file) return std::move(*file);
    command::warning(fmt::format("mail_queue_enter: {}", file.error().what));
    sleep(10);
  }
}

struct Outcome {
  int status = ipc::cleanup_status::kOk;
  std::string reason;
};

/// Whether the caller may send so (local_login_sender_maps). Tables are read
/// with the caller's own rights and ours of postdrop.
Outcome judge_sender(const config::Settings& settings,
                     const std::string& sender) {
  const std::string& list = settings.get(param::local_login_sender_maps);
  if (list == "static:*") return {};  // the default: nothing to ask
  auto account = process::find_account(getuid());
  std::string login =
      account && *account ? (*account)->name : fmt::format("uid:{}", getuid());
  auto tables = maps::Tables::open("local_login_sender_maps", list);
  if (!tables) fatal(tables.error().what);
  net::Loop loop;
  auto found = loop.run(tables->find(login));
  if (!found) fatal(found.error().what);
  const auto& null_key =
      settings.get(param::empty_address_local_login_sender_maps_lookup_key);
  if (*found && allows_sender((*found)->value, sender, null_key,
                              settings.get(param::recipient_delimiter))) {
    return {};
  }
  return {ipc::cleanup_status::kNoPermission,
          fmt::format("not authorized to use sender='{}'", sender)};
}

/// Copies records into the file until the end record. Errors in writing are
/// remembered, and the rest of the input is read all the same.
Outcome receive(const config::Settings& settings, const queue::NewFile& file) {
  auto limit = static_cast<size_t>(
      std::max(0L, settings.get(param::message_size_limit)));
  Checker checker([](std::string_view text) {
    command::warning(fmt::format("uid={}: {}", getuid(), text));
  });
  std::string out;
  queuefile::append_record(out, queuefile::Type::Time,
                           fmt::format("{} {}", file.sec, file.usec));
  queuefile::RecordReader reader;
  Outcome outcome;
  size_t written = 0;
  auto flush = [&] {
    written += out.size();
    if (limit > 0 && written > limit) {
      outcome = {ipc::cleanup_status::kSize, "message file too big"};
    }
    if (outcome.status == 0) {
      if (auto done = write_all(file.fd.get(), out); !done) {
        outcome = {ipc::cleanup_status::kWrite, "queue file write error"};
        command::warning(done.error().what);
      }
    }
    out.clear();
  };
  std::string buffer(kWriteSize, '\0');
  while (!checker.finished()) {
    auto record = reader.next();
    if (!record) fatal("malformed input");
    if (*record) {
      if ((*record)->type == queuefile::Type::Sender) {
        outcome = judge_sender(settings, std::string((*record)->data));
      }
      if (auto taken = checker.take(**record, out); !taken) {
        fatal(taken.error().what);
      }
      if (out.size() >= kWriteSize) flush();
      continue;
    }
    ssize_t n = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      // The sender has changed its mind: nothing was promised.
      unlink(unfinished_path);
      _exit(0);
    }
    reader.receive({buffer.data(), static_cast<size_t>(n)});
  }
  flush();
  if (outcome.status == 0 &&
      (!checker.has_sender() || !checker.has_recipient())) {
    outcome = {ipc::cleanup_status::kBad, "internal protocol error"};
  }
  return outcome;
}

void reply(const Outcome& outcome) {
  std::string out;
  ipc::encode(ipc::StatusReason{outcome.status, outcome.reason}, out);
  (void)write_all(STDOUT_FILENO, out);
}

void wake_pickup(const config::Settings& settings) {
  net::Loop loop;
  std::string path = "public/" + settings.get(param::pickup_service_name);
  auto woken = loop.run(
      ipc::trigger(path, "W", net::Deadline::in(std::chrono::seconds(10))));
  if (!woken && woken.error().sys == ENOENT) {
    command::warning(
        fmt::format("unable to look up {}: No such file or directory", path));
  }
}

int drop(const config::Settings& settings) {
  queue::NewFile file = create_file();
  guard(file.path);
  for (int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
    signal(number, remove_and_die);
  }
  std::string greeting;
  ipc::encode(ipc::CleanupGreeting{ipc::kPostdropProtocol, file.id.text()},
              greeting);
  (void)write_all(STDOUT_FILENO, greeting);
  Outcome outcome = receive(settings, file);
  if (outcome.status == 0) {
    auto finished = queue::finish(file, 0744);
    if (finished) finished = queue::sync(file.fd.get());
    if (!finished) {
      command::warning(finished.error().what);
      outcome = {ipc::cleanup_status::kWrite, "queue file write error"};
    }
  }
  if (outcome.status != 0) unlink(file.path.c_str());
  unfinished_path[0] = '\0';
  reply(outcome);
  if (outcome.status == 0) wake_pickup(settings);
  return outcome.status;
}

}  // namespace

}  // namespace mail::postdrop

int main(int argc, char** argv) {
  using namespace mail;
  umask(022);
  daemon::begin_command(postdrop::kCommand);
  int letter;
  opterr = 0;
  while ((letter = getopt(argc, argv, "+c:rv")) > 0) {
    switch (letter) {
      case 'c':
        daemon::use_config_directory(optarg);
        break;
      case 'r':
      case 'v':
        break;  // accepted; no more is logged for strangers
      default:
        daemon::fatal("usage: postdrop [-c config_dir] [-v]");
    }
  }
  auto settings = daemon::load_settings(postdrop::kCommand);
  daemon::authorize_caller(*settings, config::param::authorized_submit_users,
                           "submit mail", daemon::Superuser::AsListed);
  const std::string& queue = settings->get(config::param::queue_directory);
  if (chdir(queue.c_str()) != 0) {
    daemon::fatal(fmt::format("chdir {}: {}", queue, strerror(errno)));
  }
  return postdrop::drop(*settings);
}
