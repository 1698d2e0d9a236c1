#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/net/loop.h"
#include "common/process/dovecot_files.h"
#include "master/dovecot/child.h"
#include "master/dovecot/listeners.h"
#include "master/dovecot/service.h"

namespace mail::dovecot {

/// A configuration as the master needs it.
struct Plan {
  config::dovecot::SettingsPtr settings;
  std::vector<Spec> services;
  std::vector<std::string> warnings;
};

/// All services of a running master.
class House {
 public:
  House(std::string config_path, Plan plan);
  ~House();

  /// Makes pipes and, before anything else, starts log, config, anvil.
  Result<> open();
  /// Until SIGTERM or SIGINT. signals: a signalfd(2).
  net::Task<> live(UniqueFd signals);

  LogPipes& log_pipes() { return *log_pipes_; }
  const Surroundings& surroundings() const { return surroundings_; }
  std::vector<int> anvil_readers() const;
  int anvil_writer() const { return anvil_.write.get(); }
  /// Its descriptor 4: a genuine anvil waits there for the log service.
  int anvil_notices() const { return anvil_notices_.read.get(); }
  /// The greeting that a new anvil process waits for.
  void greet_anvil();
  /// A process is gone: its users too.
  void tell_anvil(pid_t pid);

 private:
  void read_surroundings();
  void reap();
  void reload();
  void start_services(std::vector<Spec> specs);
  void log_start();
  net::Task<> end();
  bool others_left() const;
  net::Task<> serve_doveadm();
  net::Task<> answer_doveadm(UniqueFd fd);
  std::string answer(std::string_view line, bool& close);
  Service* find(std::string_view name);

  std::string config_path_;
  Plan plan_;
  Surroundings surroundings_;
  std::unique_ptr<LogPipes> log_pipes_;
  Pipe anvil_, anvil_own_, anvil_notices_;
  unsigned generation_ = 0;
  std::vector<std::unique_ptr<Service>> services_, retired_;
  net::Condition reaped_;
  net::TaskSet tasks_;
  UniqueFd doveadm_socket_;
  process::DovecotFiles files_;
};

/// Reads and checks a configuration. Errors: all of them, as lines; empty:
/// fine.
std::string make_plan(const std::string& config_path, Plan& plan,
                      std::string_view program);

}  // namespace mail::dovecot
