#include "delivery/local/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/ipc/bounce.h"
#include "common/ipc/rewrite.h"

namespace mail::local {

namespace param = config::param;

namespace {

Result<> set_sources(std::string_view name, std::string_view list, bool& alias,
                     bool& forward, bool& include) {
  for (auto word : split(list)) {
    if (word == "alias") {
      alias = true;
    } else if (word == "forward") {
      forward = true;
    } else if (word == "include") {
      include = true;
    } else {
      return fail(Fault::Config,
                  fmt::format("bad {} value: \"{}\"", name, word));
    }
  }
  return {};
}

Result<> open_tables(Config& out, daemon::Context& context) {
  const auto& s = *context.settings;
  auto options = daemon::table_options(context);
  out.aliases =
      TRY(maps::Tables::open("alias_maps", s.get(param::alias_maps), options));
  out.mailbox_commands = TRY(maps::Tables::open(
      "mailbox_command_maps", s.get(param::mailbox_command_maps), options));
  out.mailbox_transports = TRY(maps::Tables::open(
      "mailbox_transport_maps", s.get(param::mailbox_transport_maps), options));
  out.fallback_transports =
      TRY(maps::Tables::open("fallback_transport_maps",
                             s.get(param::fallback_transport_maps), options));
  return {};
}

}  // namespace

Result<> open_config(Config& out, daemon::Context& context) {
  const auto& s = *context.settings;
  out.settings = &s;
  out.service = context.service;
  out.rootless = context.rootless;
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0) {
    return fail_errno("gethostname", errno);
  }
  out.host = name;
  long box = s.get(param::mailbox_size_limit);
  long message = s.get(param::message_size_limit);
  if (box > 0 && (message == 0 || box < message)) {
    return fail(Fault::Config,
                "main.cf configuration error: mailbox_size_limit is smaller "
                "than message_size_limit");
  }
  TRY(open_tables(out, context));
  TRY(mailbox::set_lock_methods(out.locks,
                                s.get(param::mailbox_delivery_lock)));
  out.locks.attempts = static_cast<int>(s.get(param::deliver_lock_attempts));
  out.locks.delay = s.get(param::deliver_lock_delay);
  out.locks.stale = s.get(param::stale_lock_time);
  const std::string& nobody = s.get(param::default_privs);
  auto ids = TRY(process::find_user(nobody));
  if (!ids || ids->uid == 0 || ids->gid == 0) {
    return fail(Fault::Config,
                fmt::format("main.cf configuration error: default_privs: {}: "
                            "{}",
                            nobody, ids ? "privileged user" : "unknown user"));
  }
  out.default_ids = *ids;
  TRY(set_sources("allow_mail_to_commands",
                  s.get(param::allow_mail_to_commands), out.command_from_alias,
                  out.command_from_forward, out.command_from_include));
  TRY(set_sources("allow_mail_to_files", s.get(param::allow_mail_to_files),
                  out.file_from_alias, out.file_from_forward,
                  out.file_from_include));
  for (auto word : split(s.get(param::prepend_delivered_header))) {
    out.mark_commands = out.mark_commands || word == "command";
    out.mark_files = out.mark_files || word == "file";
    out.mark_forwards = out.mark_forwards || word == "forward";
  }
  ipc::Client::Options cleanup;
  cleanup.path = "public/" + s.get(param::cleanup_service_name);
  cleanup.timeout = s.get(param::ipc_timeout);
  out.cleanup = std::make_unique<ipc::Client>(std::move(cleanup));
  ipc::Client::Options rewrite;
  rewrite.path = "private/" + s.get(param::rewrite_service_name);
  rewrite.protocol = ipc::kRewriteProtocol;
  rewrite.timeout = s.get(param::ipc_timeout);
  out.rewrite = std::make_unique<ipc::Client>(std::move(rewrite));
  ipc::Client::Options trace;
  trace.path = "private/" + s.get(param::trace_service_name);
  trace.protocol = ipc::kBounceProtocol;
  trace.timeout = s.get(param::ipc_timeout);
  out.trace = std::make_unique<ipc::Client>(std::move(trace));
  return {};
}

}  // namespace mail::local
