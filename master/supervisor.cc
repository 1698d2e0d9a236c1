#include "master/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "common/base/file.h"
#include "common/config/postfix/params.h"
#include "common/daemon/settings.h"
#include "common/log/log.h"
#include "common/process/host_facts.h"
#include "master/log_lines.h"
#include "master/sockets.h"
#include "master/surroundings.h"

namespace mail::master {

namespace param = config::param;

Supervisor::Supervisor(const Options& options,
                       std::shared_ptr<const config::Settings> settings)
    : options_(options), settings_(std::move(settings)) {
  house_.attached = options.attached;
  house_.verbose = options.verbose;
  house_.rootless = geteuid() != 0;
}

Duration Supervisor::throttle_time() const {
  return settings_->get(param::service_throttle_time);
}

Result<> Supervisor::start() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    return fail_errno("pipe", errno);
  }
  house_.flow_read = move_high(UniqueFd(ends[0]));
  house_.flow_write = move_high(UniqueFd(ends[1]));
  if (!house_.rootless) {
    owner_ = TRY(process::find_user(settings_->get(param::mail_owner)));
  }
  tell_unbuilt();
  return apply(TRY(read_services()));
}

void Supervisor::tell_unbuilt() {
  for (const auto& one : settings_->unbuilt_but_set()) {
    log_lines::not_built(one.file, one.line, one.name);
  }
}

Result<std::vector<ServiceSpec>> Supervisor::read_services() {
  std::string path = settings_->get(param::config_directory) + "/master.cf";
  std::string text = TRY(read_file(path));
  return plan_services(text, path, *settings_, process::host_facts(),
                       [](std::string_view warning) { log::warning(warning); });
}

Running* Supervisor::find(std::string_view key) {
  for (auto& service : services_) {
    if (service->spec().key == key) return service.get();
  }
  return nullptr;
}

Result<> Supervisor::apply(std::vector<ServiceSpec> specs) {
  remove_others(specs);
  for (auto& spec : specs) {
    Running* known = find(spec.key);
    if (known && known->spec().socket == spec.socket) {
      known->change(std::move(spec), throttle_time());
    } else {
      TRY(add(std::move(spec)));
    }
  }
  return {};
}

Result<> Supervisor::add(ServiceSpec spec) {
  long backlog = std::max(spec.line.process_limit,
                          settings_->get(param::default_process_limit));
  auto sockets = make_sockets(spec, owner_, static_cast<int>(backlog));
  if (!sockets) {
    if (house_.rootless && sockets.error().sys == EACCES) {
      log::warning(fmt::format("service {} is not started: {}", spec.key,
                               sockets.error().what));
      return {};
    }
    return fail(std::move(sockets.error()));
  }
  services_.push_back(std::make_unique<Running>(
      house_, std::move(spec), std::move(*sockets), throttle_time()));
  services_.back()->begin();
  return {};
}

void Supervisor::remove_others(const std::vector<ServiceSpec>& wanted) {
  std::erase_if(services_, [&](auto& service) {
    bool stays = std::any_of(wanted.begin(), wanted.end(), [&](auto& spec) {
      return spec.key == service->spec().key &&
             spec.socket == service->spec().socket;
    });
    if (stays) return false;
    service->terminate_children();
    return true;
  });
}

void Supervisor::keep_what_cannot_change(const config::Settings& next) {
  for (auto parameter : {param::config_directory, param::queue_directory,
                         param::inet_protocols}) {
    const std::string& before = settings_->get(parameter);
    const std::string& now = next.get(parameter);
    if (before == now) continue;
    std::string_view name =
        parameter.id == param::config_directory.id  ? "config_directory"
        : parameter.id == param::queue_directory.id ? "queue_directory"
                                                    : "inet_protocols";
    log_lines::change_ignored(name, before, now);
  }
}

void Supervisor::reload() {
  auto next = daemon::try_load_settings("master", "master", {});
  if (!next) {
    log::error(fmt::format("{}; the configuration is not reloaded",
                           next.error().what));
    return;
  }
  auto before = std::exchange(settings_, *next);
  auto specs = read_services();
  if (!specs) {
    settings_ = before;
    log::error(fmt::format("{}; the configuration is not reloaded",
                           specs.error().what));
    return;
  }
  if (auto cleaned = clean_environment(*settings_); !cleaned) {
    log::warning(cleaned.error().what);
  }
  open_master_log(*settings_);
  log_lines::reloaded(settings_->get(param::config_directory));
  std::swap(before, settings_);
  keep_what_cannot_change(*before);
  settings_ = before;
  tell_unbuilt();
  if (auto applied = apply(std::move(*specs)); !applied) {
    log::fatal(applied.error().what);
  }
}

void Supervisor::children_exited() {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (auto& service : services_) {
      if (service->child_exited(pid, status)) break;
    }
  }
}

void Supervisor::terminate(int number) {
  log_lines::terminating(number);
  signal(SIGTERM, SIG_IGN);
  // Started from a terminal's job or by a test, the group is not ours.
  if (getpgrp() == getpid()) kill(0, SIGTERM);
  for (auto& service : services_) service->terminate_children();
  if (options_.init) _exit(0);
  signal(number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  sigprocmask(SIG_UNBLOCK, &one, nullptr);
  kill(getpid(), number);
  _exit(1);
}

}  // namespace mail::master
