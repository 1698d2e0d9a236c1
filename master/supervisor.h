#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "common/config/postfix/settings.h"
#include "common/net/loop.h"
#include "common/net/task_set.h"
#include "common/process/ids.h"
#include "master/options.h"
#include "master/running.h"

namespace mail::master {

/// Keeps the services of master.cf alive. Lives in the queue directory.
class Supervisor {
 public:
  Supervisor(const Options& options,
             std::shared_ptr<const config::Settings> settings);

  /// Reads master.cf and starts all of it. Errors: Config, as master(8)'s;
  /// what could not be bound.
  Result<> start();
  /// SIGHUP. A configuration that cannot be read changes nothing.
  void reload();
  void children_exited();
  /// Ends the whole process group, dies of `number` itself.
  [[noreturn]] void terminate(int number);

 private:
  Result<std::vector<ServiceSpec>> read_services();
  Result<> apply(std::vector<ServiceSpec> specs);
  Result<> add(ServiceSpec spec);
  void remove_others(const std::vector<ServiceSpec>& wanted);
  Running* find(std::string_view key);
  Duration throttle_time() const;
  void keep_what_cannot_change(const config::Settings& next);
  void tell_unbuilt();

  const Options& options_;
  std::shared_ptr<const config::Settings> settings_;
  std::optional<process::UserIds> owner_;
  House house_;
  std::list<std::unique_ptr<Running>> services_;
};

}  // namespace mail::master
