#include "common/daemon/dovecot_service.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "common/base/memory.h"
#include "common/daemon/dovecot_clients.h"
#include "common/daemon/dovecot_config.h"
#include "common/daemon/dovecot_environment.h"
#include "common/daemon/standalone.h"
#include "common/daemon/workers.h"
#include "common/log/dovecot.h"
#include "common/process/descriptors.h"

namespace mail::daemon {

namespace cf = config::dovecot;

namespace {

constexpr int kAnvilFd = 3, kListeners = 7;
constexpr int kFatalDefault = 89;  // lib/failures: FATAL_DEFAULT
constexpr char kDefaultConfig[] = "/etc/dovecot/dovecot.conf";

DovecotConfig* the_config = nullptr;  // one a process, as the log

struct Frame {
  const DovecotDefinition& definition;
  DovecotEnvironment environment;
  DovecotContext context;
  std::unique_ptr<DovecotService> service;
  DovecotConfig* config = nullptr;
};

std::string prefix_of(const DovecotDefinition& definition,
                      const std::string& service) {
  if (definition.log_prefix.empty()) return service + ": ";
  std::string out(definition.log_prefix);
  if (size_t at = out.find("%p"); at != std::string::npos) {
    out.replace(at, 2, fmt::format("{}", getpid()));
  }
  return out;
}

/// Keeps what the master gave from what this process runs.
void close_on_exec(const DovecotEnvironment& environment) {
  int end = kListeners + static_cast<int>(environment.sockets.size());
  for (int fd = kAnvilFd; fd < end; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

std::string config_path(int argc, char** argv,
                        const DovecotEnvironment& environment) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) == "-c") return argv[i + 1];
  }
  return environment.config_file.empty() ? kDefaultConfig
                                         : environment.config_file;
}

void confine(const Frame& frame) {
  process::Confinement wanted;
  wanted.profile = frame.definition.profile;
  if (!frame.context.rootless && !frame.context.standalone) {
    wanted.root = frame.environment.chroot;
    wanted.groups = frame.environment.groups;
    if (!frame.definition.keeps_privileges) wanted.ids = frame.environment.ids;
  }
  if (auto done = process::confine(wanted); !done) {
    log::fatal(done.error().what);
  }
}

DovecotClients::Limits limits_of(const Frame& frame) {
  DovecotClients::Limits limits{frame.environment.client_limit,
                                frame.environment.service_count};
  // A genuine master counts as the service block says.
  if (frame.environment.our_master && frame.definition.clients_at_least > 0) {
    limits.clients =
        std::max(limits.clients, frame.definition.clients_at_least);
    limits.service_count = 0;
  }
  return limits;
}

net::Task<> follow_config(DovecotConfig* config, DovecotClients* clients) {
  co_await config->closed();
  clients->drain();
}

net::Task<> live(Frame* frame) {
  frame->config->begin();
  auto started = co_await frame->service->start(frame->context);
  if (!started) log::fatal(started.error().what);
  if (frame->context.standalone) {
    net::TaskSet relay;
    auto stream = standalone_stream(relay);
    if (!stream) log::fatal(stream.error().what);
    DovecotConnection about;
    co_await frame->service->serve(std::move(*stream), std::move(about));
    co_await relay.drained();
    co_return;
  }
  DovecotClients clients(*frame->service, limits_of(*frame),
                         frame->environment.generation);
  frame->context.drain = [&clients] { clients.drain(); };
  frame->context.count_client = [&clients](int n) { clients.count(n); };
  net::loop().on_signal(SIGTERM, [&clients] { clients.end_now(); });
  net::loop().on_signal(SIGINT, [&clients] { clients.end_if_idle(); });
  net::loop().on_signal(SIGUSR2, [frame] { frame->service->statistics(); });
  clients.begin(frame->environment, frame->definition.name.ends_with("-login"));
  net::TaskSet watchers;
  if (frame->config->has_service() && !frame->definition.stays) {
    watchers.start(follow_config(frame->config, &clients));
  }
  co_await clients.finished();
  frame->service->stop();
  frame->context.drain = nullptr;
  frame->context.count_client = nullptr;
}

void fill_context(Frame& frame, int argc, char** argv) {
  auto& context = frame.context;
  context.service = frame.environment.service.empty()
                        ? std::string(frame.definition.name)
                        : frame.environment.service;
  context.hostname = frame.environment.hostname;
  context.standalone = !frame.environment.child;
  context.rootless = geteuid() != 0;
  context.client_limit = frame.environment.client_limit;
  context.process_limit = frame.environment.process_limit;
  context.service_count = frame.environment.service_count;
  for (int i = 1; i < argc; ++i) context.arguments.emplace_back(argv[i]);
  if (context.hostname.empty()) {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    context.hostname = host;
  }
}

}  // namespace

net::Task<Result<cf::SettingsPtr>> settings_for(cf::Context context) {
  auto settings =
      co_await the_config->settings_for(std::move(context), /*fresh=*/false);
  co_return settings;
}

net::Task<Result<cf::SettingsPtr>> fresh_settings_for(cf::Context context) {
  auto settings =
      co_await the_config->settings_for(std::move(context), /*fresh=*/true);
  co_return settings;
}

bool tell_anvil(std::string_view line) {
  return write(kAnvilFd, line.data(), line.size()) ==
         static_cast<ssize_t>(line.size());
}

int run_dovecot(int argc, char** argv, const DovecotDefinition& definition) {
  prepare_heap();
  // vsz_limit counts address space: an arena a thread would use it up.
  mallopt(M_ARENA_MAX, 2);
  umask(077);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGUSR1, SIG_IGN);
  log::set_fatal_status(kFatalDefault);
  log::set_fatal_delay(0);  // the master throttles
  log::open_dovecot(log::DovecotSink::Stderr,
                    fmt::format("{}: ", definition.name));
  auto environment = DovecotEnvironment::read();
  if (!environment) log::fatal(environment.error().what);
  Frame frame{definition, std::move(*environment), {}, nullptr, nullptr};
  fill_context(frame, argc, argv);
  log::open_dovecot(frame.environment.log_service ? log::DovecotSink::Pipe
                                                  : log::DovecotSink::Stderr,
                    prefix_of(definition, frame.context.service));
  if (frame.environment.child) close_on_exec(frame.environment);
  process::raise_descriptor_limit();

  std::vector<std::string> modules = definition.modules;
  if (std::find(modules.begin(), modules.end(), "ssl") == modules.end()) {
    modules.push_back("ssl");
  }
  DovecotConfig config{std::string(definition.protocol), modules};
  the_config = frame.config = &config;
  auto settings = config.open(config_path(argc, argv, frame.environment));
  if (!settings) log::fatal(settings.error().what);
  frame.context.settings = *settings;
  frame.context.base_dir = (*settings)->get(cf::setting::base_dir);
  // Sockets are named relative to it; a login process to its jail.
  if (chdir(frame.context.base_dir.c_str()) != 0 && !frame.context.standalone) {
    log::fatal(fmt::format("chdir({}) failed: {}", frame.context.base_dir,
                           strerror(errno)));
  }

  net::Loop loop;
  net::TaskSet tasks;
  frame.context.tasks = &tasks;
  frame.service = definition.make();
  if (auto opened = frame.service->open(frame.context); !opened) {
    log::fatal(opened.error().what);
  }
  confine(frame);
  loop.run(live(&frame));
  tasks.clear();
  if (frame.context.standalone) _exit(0);  // a worker may still read stdin
  end_workers();
  return 0;
}

}  // namespace mail::daemon
