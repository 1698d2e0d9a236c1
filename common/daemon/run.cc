#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/config/postfix/load.h"
#include "common/config/postfix/params.h"
#include "common/daemon/clients.h"
#include "common/daemon/options.h"
#include "common/daemon/service.h"
#include "common/daemon/settings.h"
#include "common/daemon/standalone.h"
#include "common/daemon/workers.h"
#include "common/log/log.h"
#include "common/process/descriptors.h"
#include "common/process/ids.h"
#include "common/process/sandbox.h"

namespace mail::daemon {

namespace param = config::param;

namespace {

constexpr int kFirstListener = 6;

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

/// "service X requires ...", as the originals refuse a wrong master.cf.
void check_constraints(const Definition& definition, const Options& options,
                       const Context& context) {
  if (options.standalone) return;
  if (options.transport.empty()) log::fatal("no transport type specified");
  if (definition.limit == ProcessLimit::One && !options.alone) {
    log::fatal(fmt::format("service {} requires a process limit of 1",
                           context.service));
  }
  if (definition.limit == ProcessLimit::Unlimited && !options.unlimited) {
    log::fatal(fmt::format("service {} requires a process limit of 0",
                           context.service));
  }
  if (definition.privileged && options.unprivileged) {
    log::fatal(fmt::format("service {} requires privileged operation",
                           context.service));
  }
}

/// chroot, ids, sandbox: in this order, and for good.
void confine(const Definition& definition, const Options& options,
             const Context& context) {
  const auto& settings = *context.settings;
  process::Confinement wanted;
  // With -S we are a program of whoever runs us, and may run others.
  wanted.profile =
      options.standalone ? process::Profile::None : definition.profile;
  wanted.writes = definition.writes;
  wanted.writes.insert(wanted.writes.end(), context.writes.begin(),
                       context.writes.end());
  if (options.chroot) wanted.root = settings.get(param::queue_directory);
  if (options.unprivileged) wanted.user = settings.get(param::mail_owner);
  if (context.rootless) {
    wanted.root.clear();
    wanted.user.clear();
  }
  if (auto done = process::confine(wanted); !done) {
    log::fatal(done.error().what);
  }
}

Clients::Limits limits_of(const Definition& definition, const Options& options,
                          const Context& context) {
  const auto& settings = *context.settings;
  Clients::Limits limits;
  limits.clients = definition.clients;
  limits.max_idle = settings.get(param::max_idle);
  if (auto given = parse_time(options.max_idle, 's')) {
    limits.max_idle = std::chrono::seconds(*given);
  }
  // A process that serves many at once is not worn out by a hundred: only a
  // limit that somebody asked for counts.
  if (settings.is_set("max_use")) {
    limits.max_use = static_cast<size_t>(settings.get(param::max_use));
  }
  if (auto given = parse_number<size_t>(options.max_use)) {
    limits.max_use = *given;
  }
  if (definition.stays || options.standalone) {
    limits.max_idle = Duration::zero();
    limits.max_use = 0;
  }
  return limits;
}

net::Task<> live(Context* context, const Definition* definition,
                 const Options* options, Service* service,
                 std::optional<StatusChannel> status) {
  auto started = co_await service->start(*context);
  if (!started) log::fatal(started.error().what);
  if (options->standalone) {
    net::TaskSet relay;
    auto stream = standalone_stream(relay);
    if (!stream) log::fatal(stream.error().what);
    co_await service->serve(std::move(*stream));
    co_await relay.drained();
    co_return;
  }
  Clients clients(*context, *definition, *service, std::move(status),
                  limits_of(*definition, *options, *context));
  context->drain = [&clients] { clients.drain(); };
  std::vector<int> sockets;
  for (size_t i = 0; i < options->sockets; ++i) {
    sockets.push_back(kFirstListener + static_cast<int>(i));
  }
  clients.begin(std::move(sockets));
  co_await clients.finished();
  context->drain = nullptr;
}

}  // namespace

int run(int argc, char** argv, const Definition& definition) {
  prepare_heap();
  umask(077);
  signal(SIGPIPE, SIG_IGN);
  std::string process =
      argc > 0 ? base_name(argv[0]) : std::string(definition.name);
  open_first_log(process);
  auto options = parse_options(argc, argv);
  if (!options) log::fatal(options.error().what);
  if (!options->standalone && isatty(STDIN_FILENO) &&
      !options->stays_attached) {
    log::fatal("do not run this command by hand");
  }
  Context context;
  context.process = process;
  context.service = options->service.empty() ? process : options->service;
  context.transport = options->transport;
  context.arguments = options->arguments;
  context.standalone = options->standalone;
  context.verbose = options->verbose > 0;
  context.chrooted = options->chroot;
  context.rootless = geteuid() != 0;
  context.settings = load_daemon_settings(
      process, context.service, options->overrides, options->to_stderr);
  check_constraints(definition, *options, context);

  std::optional<StatusChannel> status;
  if (!options->standalone) {
    auto opened = StatusChannel::open();
    if (!opened) log::fatal(opened.error().what);
    status.emplace(std::move(*opened));
  }
  process::raise_descriptor_limit();
  const std::string& queue = context.settings->get(param::queue_directory);
  if (chdir(queue.c_str()) != 0) {
    log::fatal(fmt::format("chdir {}: {}", queue, strerror(errno)));
  }

  net::Loop loop;
  net::TaskSet tasks;
  context.tasks = &tasks;
  auto service = definition.make();
  if (auto opened = service->open(context); !opened) {
    log::fatal(opened.error().what);
  }
  confine(definition, *options, context);
  loop.run(
      live(&context, &definition, &*options, service.get(), std::move(status)));
  service->stop();
  tasks.clear();
  if (options->standalone) _exit(0);  // a worker may still read stdin
  end_workers();
  return 0;
}

}  // namespace mail::daemon
