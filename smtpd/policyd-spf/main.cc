// policyd-spf(1): a Postfix policy service that checks SPF. On standard input
// and output for spawn(8), or on a socket of its own for many clients.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/daemon/standalone.h"
#include "common/daemon/workers.h"
#include "common/log/log.h"
#include "common/net/listener.h"
#include "common/net/task_set.h"
#include "smtpd/policyd-spf/judge.h"

namespace mail::policyd_spf {

namespace {

constexpr const char* kUsage =
    "usage: policyd-spf [<configfilename>]\n"
    "       policyd-spf -l <path of a socket> [<configfilename>]\n";
constexpr std::string_view kConfigPath =
    "/etc/postfix-policyd-spf-python/policyd-spf.conf";

struct Server {
  Config config;
  std::unique_ptr<dns::Resolver> resolver;
  std::string hostname;
  std::unique_ptr<Judge> judge;
  LoadedUsers users;  // Per_User
  std::map<std::string, std::unique_ptr<Judge>> users_judges;

  Judge& judge_for(const std::string& recipient) {
    if (users.users.empty()) return *judge;
    auto user = users.users.find(lower(recipient));
    if (user == users.users.end()) return *judge;
    auto& own = users_judges[user->first];
    if (!own) own = std::make_unique<Judge>(user->second, *resolver, hostname);
    return *own;
  }

  net::Task<> serve(net::Stream client) {
    RequestParser parser;
    parser.bad_line = [](std::string_view line) {
      log::info(fmt::format("ERROR: Could not match line \"{}\"", line));
    };
    bool more = true;
    while (more && !parser.too_large()) {
      auto got = co_await client.fill(net::Deadline::never());
      more = got && *got > 0;
      while (!parser.too_large()) {
        size_t end = client.input().find('\n');
        if (end == std::string_view::npos) break;
        std::string line(client.input().substr(0, end));
        client.consume(end + 1);
        if (config.debug_level >= 4) {
          log::info(fmt::format("Read line: \"{}\"", line));
        }
        if (!parser.take(line)) continue;
        auto request = parser.take_request();
        Judge& whose = judge_for(request.recipient);
        auto answer = co_await whose.judge(std::move(request));
        client.write(fmt::format("action={}\n\n", answer.action));
        auto sent = co_await client.flush(net::Deadline::never());
        if (!sent) co_return;
      }
      if (client.input().size() > RequestParser::kMostBytes) break;
    }
  }
};

/// A file that is missing leaves the settings for all.
void read_users(Server& server) {
  const std::string& path = server.config.per_user;
  auto text = read_file(path, 16 << 20);
  if (!text) {
    log::info(fmt::format("ERROR stating \"{}\": {}", path,
                          strerror(text.error().sys)));
    return;
  }
  server.users = parse_users(*text, path, server.config);
  for (const auto& line : server.users.lines) log::info(line);
}

Result<Server> make_server(const std::string& path) {
  Server out;
  auto text = read_file(path, 1 << 20);
  auto loaded = parse_config(text ? *text : std::string(), path);
  if (!text) {
    log::info(fmt::format("ERROR stating \"{}\": {}", path,
                          strerror(text.error().sys)));
  }
  for (const auto& line : loaded.lines) log::info(line);
  out.config = std::move(loaded.config);
  if (!out.config.per_user.empty()) {
    out.config.hide_receiver = false;  // without effect then
    read_users(out);
  }
  out.resolver = TRY(dns::Resolver::open());
  return out;
}

net::Task<> serve_input(Server* server) {
  struct stat status{};
  if (fstat(STDIN_FILENO, &status) == 0 && S_ISSOCK(status.st_mode)) {
    co_await server->serve(net::Stream(UniqueFd(dup(STDIN_FILENO))));
    co_return;
  }
  net::TaskSet relay;
  auto stream = daemon::standalone_stream(relay);
  if (!stream) log::fatal(stream.error().what);
  co_await server->serve(std::move(*stream));
  co_await relay.drained();
}

net::Task<> serve_socket(Server* server, net::Listener* listener) {
  net::TaskSet clients;
  while (true) {
    auto client = co_await listener->accept();
    if (!client) {
      log::error(client.error().what);
      co_await net::sleep(std::chrono::seconds(1));
      continue;
    }
    clients.start(server->serve(net::Stream(std::move(*client))));
  }
}

int run(const std::string& config_path, const std::string& socket_path) {
  log::open({.tag = "", .process = "policyd-spf", .ident = "policyd-spf"});
  signal(SIGPIPE, SIG_IGN);
  net::Loop loop;
  auto made = make_server(config_path);
  if (!made) log::fatal(made.error().what);
  Server server = std::move(*made);
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  server.hostname = host;
  server.judge = std::make_unique<Judge>(server.config, *server.resolver, host);
  if (server.config.debug_level >= 3) log::info("Starting");
  if (socket_path.empty()) {
    loop.run(serve_input(&server));
  } else {
    auto bound = net::Listener::bind({.path = socket_path});
    if (!bound) log::fatal(bound.error().what);
    // As smtpd's own sockets: its directory says who may come.
    chmod(socket_path.c_str(), 0666);
    net::Listener listener(std::move(*bound));
    loop.run(serve_socket(&server, &listener));
  }
  if (server.config.debug_level >= 3) log::info("Normal exit");
  daemon::end_workers();
  return 0;
}

}  // namespace

}  // namespace mail::policyd_spf

int main(int argc, char** argv) {
  using namespace mail::policyd_spf;
  std::string socket, config(kConfigPath);
  int next = 1;
  if (argc > 2 && std::string_view(argv[1]) == "-l") {
    socket = argv[2];
    next = 3;
  }
  bool help = argc > next && argv[next][0] == '-';
  if (help || argc > next + 1) {
    fmt::print("{}", kUsage);
    return 1;
  }
  if (argc > next) config = argv[next];
  return run(config, socket);
}
