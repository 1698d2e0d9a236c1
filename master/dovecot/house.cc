#include "master/dovecot/house.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "common/base/ascii.h"
#include "common/config/dovecot/version.h"
#include "common/log/log.h"
#include "common/process/dovecot_problems.h"
#include "master/dovecot/systemd.h"

namespace mail::dovecot {

namespace cf = config::dovecot;
namespace set = config::dovecot::setting;
using namespace std::chrono_literals;

namespace {

constexpr auto kStopTime = 5s;

int rank(const Spec& spec) {
  // The log first, then whom all others ask.
  return spec.type == "log"      ? 0
         : spec.type == "config" ? 1
         : spec.type == "anvil"  ? 2
                                 : 3;
}

std::string full_host_name() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return host;
}

std::string_view code_name(int code) {
  switch (code) {
    case SI_USER:
      return "kill";
    case SI_KERNEL:
      return "kernel";
    case SI_TKILL:
      return "tkill";
    default:
      return "unknown";
  }
}

}  // namespace

std::string make_plan(const std::string& config_path, Plan& plan,
                      std::string_view program) {
  process::DovecotFiles files;
  auto configuration = cf::Configuration::load(config_path, files);
  for (const auto& problem : configuration.problems()) {
    if (problem.kind == cf::Problem::Kind::Warning) {
      plan.warnings.push_back(problem.message());
    }
  }
  if (configuration.has_errors()) {
    return process::problem_text("doveconf", configuration.problems(),
                                 process::ProblemStage::Errors);
  }
  for (auto& text : configuration.unbuilt_but_set()) {
    plan.warnings.push_back(std::move(text));
  }
  // Certificates and keys are no business of the master's.
  auto values = configuration.flat({}, {"master"}, files);
  if (!values) {
    return fmt::format("doveconf: Fatal: {}\n", values.error().what);
  }
  auto settings = cf::Settings::make(*values);
  if (!settings) {
    return fmt::format("{}: Fatal: {}\n", program, settings.error().what);
  }
  plan.settings = *settings;
  auto specs = make_specs(*plan.settings);
  for (auto& text : specs.warnings) plan.warnings.push_back(std::move(text));
  std::string errors;
  for (const auto& text : specs.errors) {
    errors += fmt::format("Fatal: {}\n", text);
  }
  plan.services = std::move(specs.services);
  std::stable_sort(
      plan.services.begin(), plan.services.end(),
      [](const Spec& a, const Spec& b) { return rank(a) < rank(b); });
  return errors;
}

House::House(std::string config_path, Plan plan)
    : config_path_(std::move(config_path)), plan_(std::move(plan)) {}
House::~House() = default;

void House::read_surroundings() {
  const auto& settings = *plan_.settings;
  Surroundings out;
  out.base_dir = settings.get(set::base_dir);
  out.config_file = config_path_;
  out.hostname = full_host_name();
  out.stats_socket = settings.get(set::stats_writer_socket_path);
  std::string names = "NOTIFY_SOCKET LISTEN_FDS LISTEN_PID";
  const std::string& imported = settings.get(set::import_environment);
  for (auto word : split(imported, " ")) {
    size_t equals = word.find('=');
    std::string name(word.substr(0, equals));
    names += " " + name;
    if (equals != std::string_view::npos) {
      out.environment.emplace_back(word);
    } else if (const char* value = getenv(name.c_str());
               value && name != "NOTIFY_SOCKET" &&
               !name.starts_with("LISTEN_")) {
      out.environment.push_back(fmt::format("{}={}", name, value));
    }
  }
  out.environment.push_back("DOVECOT_PRESERVE_ENVS=" + names);
  for (const char* name :
       {"base_dir", "log_path", "info_log_path", "debug_log_path",
        "log_timestamp", "syslog_facility", "instance_name"}) {
    out.log_settings.push_back(
        fmt::format("{}={}", upper(name), *settings.text(name)));
  }
  surroundings_ = std::move(out);
}

std::vector<int> House::anvil_readers() const {
  // KILL is taken from the first alone.
  return {anvil_own_.read.get(), anvil_.read.get()};
}

void House::greet_anvil() {
  for (int fd : {anvil_.write.get(), anvil_own_.write.get()}) {
    write_to(fd, "VERSION\tanvil\t1\t0\n");
  }
}

void House::tell_anvil(pid_t pid) {
  write_to(anvil_own_.write.get(), fmt::format("KILL\t{}\n", pid));
}

Result<> House::open() {
  read_surroundings();
  log_pipes_ = std::make_unique<LogPipes>(TRY(LogPipes::make()));
  anvil_ = TRY(Pipe::make());
  anvil_own_ = TRY(Pipe::make());
  anvil_notices_ = TRY(Pipe::make());
  fcntl(anvil_own_.write.get(), F_SETFL, O_NONBLOCK);
  fcntl(anvil_.write.get(), F_SETFL, O_NONBLOCK);
  return {};
}

void House::start_services(std::vector<Spec> specs) {
  ++generation_;
  // The log process is given the pipes of all: make them first.
  for (const auto& spec : specs) {
    if (spec.type != "log") (void)log_pipes_->writer_for(spec.name);
  }
  for (auto& spec : specs) {
    bool at_once = spec.type == "log" || spec.type == "config";
    auto service =
        std::make_unique<Service>(*this, std::move(spec), generation_);
    if (auto opened = service->open(); !opened) {
      log::error(opened.error().what);
      continue;
    }
    services_.push_back(std::move(service));
    services_.back()->begin();
    if (at_once && services_.back()->empty()) (void)services_.back()->start();
  }
}

void House::log_start() {
  std::string protocols;
  const std::string& wanted = plan_.settings->get(set::protocols);
  for (auto name : split(wanted, " ,")) {
    if (name == "none") continue;
    protocols += fmt::format("{}{}", protocols.empty() ? "" : ", ", name);
  }
  log::info(fmt::format(
      "Dovecot v{} ({}) starting up{} (core dumps disabled)", cf::kVersion,
      cf::kRevision,
      protocols.empty() ? " without any protocols" : " for " + protocols));
  for (const auto& text : plan_.warnings) log::warning(text);
}

net::Task<> House::live(UniqueFd signals) {
  start_services(std::move(plan_.services));
  log_start();
  tasks_.start(serve_doveadm());
  notify_systemd("READY=1\nSTATUS=v2.3.19.1 (9b53102964) running");
  net::Descriptor source(std::move(signals));
  while (true) {
    auto ready = co_await source.readable(net::Deadline::never());
    if (!ready) break;
    signalfd_siginfo info;
    if (read(source.fd(), &info, sizeof info) != sizeof info) continue;
    int number = static_cast<int>(info.ssi_signo);
    if (number == SIGCHLD) {
      reap();
    } else if (number == SIGHUP) {
      reload();
    } else if (number == SIGUSR1) {
      log::warning("SIGUSR1 received - reopening log files");
      for (auto& service : services_) {
        if (service->spec().type == "log") service->signal_all(SIGUSR1);
      }
    } else if (number == SIGTERM || number == SIGINT) {
      log::warning(fmt::format(
          "Killed with signal {} (by pid={} uid={} code={})", number,
          info.ssi_pid, info.ssi_uid, code_name(info.ssi_code)));
      break;
    }
  }
  notify_systemd("STOPPING=1\nSTATUS=Dovecot stopping...");
  // Children that end meanwhile are reaped by end().
  co_await end();
}

void House::reap() {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (auto* list : {&services_, &retired_}) {
      for (auto& service : *list) {
        if (service->reap(pid, status)) break;
      }
    }
  }
  // Their tasks may be running right now: not from inside.
  net::loop().post([this] {
    std::erase_if(retired_, [](const auto& one) { return one->empty(); });
  });
  reaped_.notify_all();
}

void House::reload() {
  log::warning("SIGHUP received - reloading configuration");
  notify_systemd("RELOADING=1\nSTATUS=Dovecot reloading...");
  Plan plan;
  std::string errors = make_plan(config_path_, plan, "dovecot");
  if (!errors.empty()) {
    for (auto line : split(errors, "\n")) {
      log::error(fmt::format("Error reading configuration: {}", line));
    }
    notify_systemd("READY=1");
    return;
  }
  OpenListeners before;
  for (auto& service : services_) {
    for (const auto& one : service->spec().listeners) {
      before.emplace(one->key(), one);
    }
  }
  auto failed = open_listeners(plan.services, before);
  if (!failed.empty()) {
    for (const auto& text : failed) log::error(text);
    log::error("Config reload failed: Failed to start listeners");
    notify_systemd("READY=1");
    return;
  }
  remove_files(before, by_key(plan.services));
  auto log_before = surroundings_.log_settings;
  plan_ = std::move(plan);
  read_surroundings();
  bool new_log = surroundings_.log_settings != log_before;
  for (const auto& spec : plan_.services) {
    new_log |= spec.type != "log" && !log_pipes_->has(spec.name);
  }
  std::vector<std::unique_ptr<Service>> kept;
  for (auto& service : services_) {
    std::string type = service->spec().type;
    if (type == "anvil" || (type == "log" && !new_log)) {
      std::erase_if(plan_.services,
                    [&](const Spec& spec) { return spec.type == type; });
      kept.push_back(std::move(service));
      continue;
    }
    service->retire();
    // The others learn of a new configuration by the old service's end.
    if (type == "config") service->signal_all(SIGTERM);
    if (type == "log") service->end_and_wait();
    retired_.push_back(std::move(service));
  }
  services_ = std::move(kept);
  start_services(std::move(plan_.services));
  for (const auto& text : plan_.warnings) log::warning(text);
  notify_systemd("READY=1");
}

bool House::others_left() const {
  for (const auto* list : {&services_, &retired_}) {
    for (const auto& service : *list) {
      if (service->spec().type != "log" && !service->empty()) return true;
    }
  }
  return false;
}

net::Task<> House::end() {
  OpenListeners open;
  for (auto& service : services_) {
    for (const auto& one : service->spec().listeners) {
      open.emplace(one->key(), one);
    }
  }
  remove_files(open, {});
  for (auto* list : {&services_, &retired_}) {
    for (auto& service : *list) {
      bool log_service = service->spec().type == "log";
      service->retire();
      if (!log_service) service->signal_all(SIGTERM);
    }
  }
  Instant give_up = Clock::now() + kStopTime;
  while (others_left() && Clock::now() < give_up) {
    reap();
    if (!others_left()) break;
    co_await net::sleep(5ms);
  }
  for (auto* list : {&services_, &retired_}) {
    for (auto& service : *list) {
      bool log_service = service->spec().type == "log";
      service->signal_all(log_service ? SIGTERM : SIGKILL);
    }
  }
  while (Clock::now() < give_up) {
    reap();
    bool left = false;
    for (auto& service : services_) left |= !service->empty();
    if (!left) break;
    co_await net::sleep(5ms);
  }
}

Service* House::find(std::string_view name) {
  for (auto& service : services_) {
    if (service->spec().name == name) return service.get();
  }
  return nullptr;
}

}  // namespace mail::dovecot
