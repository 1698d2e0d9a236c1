#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/postfix/load.h"

namespace mail::config {

enum class ServiceType { Inet, Unix, UnixDgram, Fifo, Pass };
std::string_view name_of(ServiceType type);

/// One line of master.cf (master(5)), interpreted.
struct MasterService {
  std::string name;  ///< "[host:]port" of inet, else the socket's name
  ServiceType type = ServiceType::Unix;
  bool is_private = true;
  bool unprivileged = true;  ///< runs as mail_owner
  bool chroot = false;
  bool chroot_by_old_default = false;  ///< '-' meant y: tell the user
  long wakeup = 0;                     ///< seconds, 0 never
  bool wakeup_when_used = false;  ///< the '?': only after a first real client
  long process_limit = 100;       ///< 0: no limit
  std::string command;            ///< below daemon_directory
  std::vector<std::string> args;  ///< without braces around them
  int line = 0;
};

/// The same as written, for postconf(1).
struct MasterFields {
  enum Field {
    Service,
    Type,
    Private,
    Unprivileged,
    Chroot,
    Wakeup,
    ProcessLimit,
    Command,
  };
  static constexpr int kFields = 8;
  std::array<std::string, kFields> fields;
  std::vector<std::string> args;  ///< without braces around them
  int line = 0;
};

/// What '-' means.
struct MasterDefaults {
  bool chroot = false;       ///< true below compatibility level 1
  long process_limit = 100;  ///< default_process_limit
};

/// All services in order; none is dropped or merged here.
/// Errors: Config: `PATH: line N: field "chroot": bad value: "X"`,
/// `PATH: line N: bad transport type: X`, ... , as master(8) says them.
Result<std::vector<MasterService>> parse_master_cf(
    std::string_view text, std::string_view path,
    const MasterDefaults& defaults, const WarningSink& warn);

/// The arguments behind the eight fields. Text in {} is one argument, white
/// space and all. Errors, without place: `missing '}' in "..."`, `syntax error
/// after '}' in "..."`; when `sloppy_warn` is given it is told instead.
Result<std::vector<std::string>> parse_master_args(
    std::string_view text, const WarningSink& sloppy_warn = {});

/// The -o options among a daemon's arguments ("-o", "a=b"; "-oa=b"; "-vo").
/// Errors: Config: `invalid "-o X" option value: missing '=' after attribute
/// name`.
Result<std::vector<NameValue>> overrides_of(
    const std::vector<std::string>& args);

/// Whether master_service_disable names this service: a list of "name/type"
/// and "type", each with an optional '!' before; the first match decides.
bool is_disabled(std::string_view list, const MasterService& service);

}  // namespace mail::config
