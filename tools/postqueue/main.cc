// postqueue(1): shows the mail queue and asks for deliveries. Installed
// set-gid postdrop, for the sockets in public/.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/file.h"
#include "common/config/postfix/params.h"
#include "common/daemon/caller.h"
#include "common/daemon/command.h"
#include "common/ipc/conversation.h"
#include "common/ipc/flush.h"
#include "common/ipc/trigger.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/net/loop.h"
#include "common/queue/queue_id.h"
#include "tools/postqueue/format.h"

using namespace mail;
namespace param = config::param;
using std::chrono_literals::operator""s;

namespace {

constexpr daemon::Command kCommand{
    .name = "postqueue", .fatal_status = 69, .privileged = true};
constexpr int kUnavailable = 69;
constexpr const char* kUsage =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue "
    "-p | postqueue -s site";
constexpr size_t kWriteSize = 65536;

struct Request {
  char mode = 0;
  std::string argument;
  std::string config_directory;
};

Request parse(int argc, char** argv) {
  Request request;
  int letter;
  while ((letter = getopt(argc, argv, "+c:fi:jps:v")) > 0) {
    switch (letter) {
      case 'c':
        daemon::use_config_directory(optarg);
        break;
      case 'v':
        break;  // accepted; no more is logged for strangers
      case 'f':
      case 'i':
      case 'j':
      case 'p':
      case 's':
        if (request.mode != 0) daemon::fatal(kUsage);
        request.mode = static_cast<char>(letter);
        if (optarg != nullptr) request.argument = optarg;
        break;
      default:
        daemon::fatal(kUsage);
    }
  }
  if (argc > optind || request.mode == 0) daemon::fatal(kUsage);
  return request;
}

/// Perhaps: an empty value may look so too.
bool ends_message(std::string_view bytes) {
  return bytes.ends_with(std::string_view("\0\0", 2)) ||
         bytes == std::string_view("\0", 1);
}

/// The next message of the list; a message in the queue has any number of
/// recipients. buffer: what was read beyond the last one.
net::Task<Result<std::string>> next_message(net::Stream& stream,
                                            std::string& buffer) {
  constexpr size_t kLimit = size_t{1} << 30;
  while (buffer.size() < kLimit) {
    size_t size = ipc::message_size(buffer);
    if (size > 0) {
      std::string message = buffer.substr(0, size);
      buffer.erase(0, size);
      co_return message;
    }
    // Twice as much before the next look.
    size_t enough = 2 * buffer.size();
    do {
      auto got = co_await stream.fill(net::Deadline::never());
      CO_CHECK(got);
      buffer += stream.input();
      stream.consume(stream.input().size());
      if (*got == 0) {
        if (ipc::message_size(buffer) > 0) break;
        co_return fail(Fault::Protocol, "premature end of input");
      }
    } while (buffer.size() < enough && !ends_message(buffer));
  }
  co_return fail(Fault::Protocol, "message too large");
}

/// Reads the list and prints it as it comes.
net::Task<> show(net::Stream stream, bool json, postqueue::IdWidth width) {
  auto never = net::Deadline::never();
  auto greeted = co_await ipc::expect_greeting(stream, ipc::kShowqProtocol,
                                               "showq socket", never);
  if (!greeted) daemon::fatal("malformed showq server response");
  postqueue::Table table(width);
  std::string out, buffer(stream.input());
  stream.consume(buffer.size());
  while (true) {
    auto raw = co_await next_message(stream, buffer);
    if (!raw) daemon::fatal("malformed showq server response");
    if (raw->size() <= 1) break;
    auto message = ipc::decode<ipc::ShowqMessage>(*raw, "showq socket");
    if (!message) daemon::fatal("malformed showq server response");
    if (json) {
      postqueue::append_json(*message, out);
    } else {
      table.add(*message, out);
    }
    if (out.size() < kWriteSize) continue;
    if (!write_all(STDOUT_FILENO, out)) co_return;
    out.clear();
  }
  if (!json) table.finish(out);
  if (!write_all(STDOUT_FILENO, out)) co_return;
}

/// `showq -u -S` with its output as a stream; root only.
net::Stream start_showq(const config::Settings& settings) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) daemon::fatal("pipe");
  std::string path = settings.get(param::daemon_directory) + "/showq";
  setenv("MAIL_CONFIG", daemon::config_directory().c_str(), 1);
  pid_t pid = fork();
  if (pid < 0) daemon::fatal(fmt::format("fork: {}", strerror(errno)));
  if (pid == 0) {
    dup2(fds[1], STDOUT_FILENO);
    execl(path.c_str(), "showq", "-u", "-S", nullptr);
    _exit(1);
  }
  close(fds[1]);
  fcntl(fds[0], F_SETFL, O_NONBLOCK);
  return net::Stream(UniqueFd(fds[0]));
}

net::Task<> list_queue(const config::Settings& settings, bool json) {
  auto width = settings.get(param::enable_long_queue_ids)
                   ? postqueue::IdWidth::Long
                   : postqueue::IdWidth::Short;
  ipc::Client client(
      {.path = "public/" + settings.get(param::showq_service_name)});
  auto connected = co_await client.connect();
  if (connected) {
    co_await show(std::move(*connected), json, width);
    co_return;
  }
  int sys = connected.error().sys;
  std::string why =
      fmt::format("Connect to the Postfix {} service: {}",
                  settings.get(param::showq_service_name), strerror(sys));
  if (sys == EACCES || sys == EPERM) daemon::fatal(why);
  if (geteuid() != 0) {
    daemon::fatal(fmt::format(
        "Queue report unavailable - mail system is down ({})", why));
  }
  daemon::warning(
      fmt::format("Mail system is down -- accessing queue directly ({})", why));
  co_await show(start_showq(settings), json, width);
}

net::Task<Result<int>> ask_flush(const config::Settings& settings,
                                 ipc::FlushRequest request) {
  ipc::Client client(
      {.path = "public/" + settings.get(param::flush_service_name),
       .protocol = ipc::kFlushProtocol});
  auto reply = co_await client.ask<ipc::Status>(request);
  CO_CHECK(reply);
  co_return reply->status;
}

net::Task<> flush_all(const config::Settings& settings) {
  ipc::FlushRequest purge;
  purge.request = "purge";
  auto purged = co_await ask_flush(settings, std::move(purge));
  (void)purged;  // the queue manager tries everything anyway
  auto soon = net::Deadline::in(10s);
  std::string qmgr = "public/" + settings.get(param::queue_service_name);
  auto woken = co_await ipc::trigger(qmgr, "FADI", soon);
  if (!woken) {
    if (woken.error().sys == ENOENT) {
      daemon::warning(
          fmt::format("unable to look up {}: No such file or directory", qmgr));
    }
    daemon::fatal("Cannot flush mail queue - mail system is down");
  }
  auto pickup = co_await ipc::trigger(
      "public/" + settings.get(param::pickup_service_name), "W", soon);
  (void)pickup;
}

/// A host name or [address].
bool is_site(std::string_view site) {
  if (site.starts_with('[')) {
    return mime::is_domain_literal(site) ||
           (site.ends_with(']') &&
            mime::is_domain(site.substr(1, site.size() - 2)));
  }
  return mime::is_domain(site);
}

net::Task<> flush_some(const config::Settings& settings, Request request) {
  bool site = request.mode == 's';
  ipc::FlushRequest ask;
  ask.request = site ? "send_site" : "send_file";
  (site ? ask.site : ask.queue_id) = request.argument;
  auto status = co_await ask_flush(settings, std::move(ask));
  if (!status) {
    daemon::fatal(site ? "Cannot flush mail queue - mail system is down"
                       : fmt::format("Cannot flush queue ID {} - mail system "
                                     "is down",
                                     request.argument));
  }
  if (*status == 0) co_return;
  if (site && (*status == 3 || *status == 4)) {
    std::string_view what =
        *status == 4 ? "Flush service is not configured for destination"
                     : "Cannot flush mail queue - invalid destination:";
    daemon::fatal(fmt::format("{} \"{}\"", what, request.argument));
  }
  daemon::fatal(fmt::format(
      "Cannot flush {} - request failed",
      site ? std::string("mail queue") : "queue ID " + request.argument));
}

}  // namespace

int main(int argc, char** argv) {
  daemon::begin_command(kCommand);
  Request request = parse(argc, argv);
  auto settings = daemon::load_settings(kCommand);
  const auto& spool = settings->get(param::queue_directory);
  if (chdir(spool.c_str()) != 0) {
    log::fatal_with_status(fmt::format("chdir {}: {}", spool, strerror(errno)),
                           kUnavailable);
  }
  bool shows = request.mode == 'p' || request.mode == 'j';
  if (shows) {
    daemon::authorize_caller(*settings, param::authorized_mailq_users,
                             "view the mail queue", daemon::Superuser::Always);
  } else {
    daemon::authorize_caller(*settings, param::authorized_flush_users,
                             "flush the mail queue", daemon::Superuser::Always);
  }
  if (request.mode == 'i' && !queue::QueueId::valid(request.argument)) {
    daemon::fatal(fmt::format("Cannot flush queue ID - invalid name: \"{}\"",
                              request.argument));
  }
  if (request.mode == 's' && !is_site(request.argument)) {
    daemon::fatal(
        fmt::format("Cannot flush mail queue - invalid destination: \"{}\"",
                    request.argument));
  }
  net::Loop loop;
  if (shows) {
    loop.run(list_queue(*settings, request.mode == 'j'));
  } else if (request.mode == 'f') {
    loop.run(flush_all(*settings));
  } else {
    loop.run(flush_some(*settings, request));
  }
  return 0;
}
