#pragma once

#include <string>

#include "common/daemon/service.h"
#include "common/ipc/conversation.h"
#include "common/mailbox/delivery_lock.h"
#include "common/maps/tables.h"
#include "common/process/ids.h"

namespace mail::local {

/// What local(8) holds as long as it runs.
struct Config {
  const config::Settings* settings = nullptr;
  std::string service;  ///< master.cf name: "local", also our transport
  std::string host;     ///< gethostname(), in Maildir names
  bool rootless = false;
  maps::Tables aliases, mailbox_commands, mailbox_transports,
      fallback_transports;
  mailbox::LockOptions locks;
  process::UserIds default_ids;
  bool command_from_alias = false, command_from_forward = false,
       command_from_include = false;
  bool file_from_alias = false, file_from_forward = false,
       file_from_include = false;
  bool mark_commands = false, mark_files = false, mark_forwards = false;
  std::unique_ptr<ipc::Client> cleanup, rewrite, trace;
};

/// Errors: Config, what the original says at its start.
Result<> open_config(Config& out, daemon::Context& context);

}  // namespace mail::local
