#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/config/dovecot/settings.h"
#include "common/process/ids.h"

namespace mail::dovecot {

/// One socket of a service.
struct Listener {
  enum class Kind { Unix, Fifo, Inet };
  Kind kind = Kind::Unix;
  std::string name;  ///< what the child is told: "imaps", "auth-login"
  std::string path;  ///< Unix, Fifo: absolute
  unsigned mode = 0600;
  process::UserIds owner;
  std::string address;  ///< Inet: "*", "::", an address
  unsigned port = 0;
  bool ssl = false, haproxy = false, reuse_port = false;
  UniqueFd fd;

  /// Two generations' listeners of one key share the socket.
  std::string key() const;
};

/// A service {} block, with all names looked up.
struct Spec {
  std::string name, type, protocol;
  std::vector<std::string> command;     ///< absolute path, arguments
  std::optional<process::UserIds> ids;  ///< nullopt: stays root
  std::optional<gid_t> privileged_group;
  std::vector<gid_t> groups;
  std::string chroot;  ///< absolute; empty: none
  bool drop_before_exec = false;
  unsigned process_min_avail = 0, process_limit = 1;
  unsigned client_limit = 1, service_count = 0;
  std::chrono::seconds idle_kill{60};
  bool idle_for_ever = false;
  unsigned long vsz_limit = 0;  ///< bytes; 0: no limit
  std::vector<std::shared_ptr<Listener>> listeners;
};

struct Specs {
  std::vector<Spec> services;
  std::vector<std::string> errors;    ///< why the house cannot start
  std::vector<std::string> warnings;  ///< what is set but not built
};

/// The services of a configuration. Those that no protocol asks for are left
/// out, and those whose program is not built (a warning, if the file has
/// settings for them).
Specs make_specs(const config::dovecot::Settings& settings);

}  // namespace mail::dovecot
