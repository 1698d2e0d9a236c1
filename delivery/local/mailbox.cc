#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>

#include "common/base/ascii.h"
#include "common/config/postfix/expand.h"
#include "common/config/postfix/params.h"
#include "common/daemon/command_service.h"
#include "common/log/log.h"
#include "common/mailbox/maildir_writer.h"
#include "common/mime/address.h"
#include "common/queue/dsn_status.h"
#include "delivery/local/biff.h"
#include "delivery/local/delivery.h"
#include "delivery/sysexits.h"

// Where mail ends: mailboxes, files, commands.
namespace mail::local {

namespace param = config::param;

namespace {

/// Keeps values that come with mail from meaning something to a shell.
std::string safe(std::string_view value, std::string_view allowed) {
  std::string out(value);
  for (char& c : out) {
    if (allowed.find(c) == std::string_view::npos) c = '_';
  }
  return out;
}

/// Rights until the end of the block; none needed without root.
Result<std::optional<process::AsUser>> become(bool rootless,
                                              process::UserIds ids) {
  if (rootless) return std::optional<process::AsUser>();
  auto as = TRY(process::AsUser::become(ids));
  return std::optional<process::AsUser>(std::move(as));
}

/// Asks another agent to deliver. Errors: of the conversation.
net::Task<Result<ipc::DeliveryReply>> hand_over(ipc::Client& client,
                                                ipc::DeliveryRequest request,
                                                ipc::Recipient recipient) {
  auto connected = co_await client.connect();
  net::Stream stream = CO_TRY(connected);
  auto deadline = net::Deadline::in(client.options().timeout);
  ipc::append(stream, request);
  ipc::append(stream, recipient);
  auto sent = co_await stream.flush(deadline);
  CO_CHECK(sent);
  auto reply = co_await ipc::receive<ipc::DeliveryReply>(stream, client.peer(),
                                                         deadline);
  CO_CHECK(reply);
  co_return std::move(*reply);
}

std::string mailbox_dsn(const Error& error) {
  return std::string(queue::mailbox_status(error.sys, "5.2.0"));
}

}  // namespace

std::vector<std::string> Delivery::environment(const State& state) const {
  const auto& s = *config_.settings;
  const std::string& allowed = s.get(param::command_expansion_filter);
  auto out = daemon::command_environment(s);
  auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) out.push_back(fmt::format("{}={}", name, value));
  };
  if (state.account) {
    add("HOME", state.account->home);
    add("LOGNAME", state.account->name);
    add("USER", state.account->name);
    add("SHELL", state.account->shell);
  }
  auto add_safe = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) add(name, safe(value, allowed));
  };
  out.push_back("SENDER=" + safe(state.sender, allowed));
  out.push_back("RECIPIENT=" + safe(state.recipient, allowed));
  out.push_back("LOCAL=" + safe(state.local, allowed));
  add_safe("DOMAIN", state.domain);
  add_safe("EXTENSION", state.extension);
  add_safe("ORIGINAL_RECIPIENT", original_->original_recipient);
  add_safe("CLIENT_HOSTNAME", request_.client_name);
  add_safe("CLIENT_ADDRESS", request_.client_address);
  add_safe("CLIENT_HELO", request_.helo_name);
  add_safe("CLIENT_PROTOCOL", request_.protocol_name);
  add_safe("SASL_METHOD", request_.sasl_method);
  add_safe("SASL_SENDER", request_.sasl_sender);
  add_safe("SASL_USERNAME", request_.sasl_username);
  return out;
}

/// command_execution_directory for this recipient; empty: where we are.
Result<std::string> Delivery::command_directory(const State& state) const {
  const auto& s = *config_.settings;
  config::ExpandOptions options;
  options.allowed_bytes = s.get(param::execution_directory_expansion_filter);
  auto lookup = names_of(state);
  auto out = TRY(config::expand(s.get(param::command_execution_directory),
                                lookup, options));
  return std::move(out.text);
}

net::Task<> Delivery::to_command(State state, std::string text) {
  const auto& s = *config_.settings;
  auto ids = ids_of(state);
  if (seen_before(fmt::format("command {} {}", ids.uid, text))) co_return;
  if (request_.is_probe()) {
    co_await finish(state, "2.0.0",
                    fmt::format("delivers to command: {}", text));
    co_return;
  }
  auto options = copy_options(state, config_.mark_commands);
  options.head =
      delivery::from_line(state.sender, time(nullptr)) + options.head;
  delivery::MessageCopy copy(request_, std::move(options));
  process::Command command;
  const std::string& shell = s.get(param::local_command_shell);
  if (shell.empty()) {
    command.argv = process::shell_words(text);
  } else {
    for (auto word : mail::split(shell)) command.argv.emplace_back(word);
    command.argv.push_back(text);
  }
  auto directory = command_directory(state);
  if (!directory) {
    log::warning(fmt::format("{}: command_execution_directory: {}",
                             request_.queue_id, directory.error().what));
    co_await finish(state, "4.3.0", "temporary failure");
    co_return;
  }
  command.directory = std::move(*directory);
  command.environment = environment(state);
  command.time_limit = s.get(param::command_time_limit);
  if (!config_.rootless) command.ids = ids;
  auto end = process::run_command(
      command, [&](std::string& out) { return copy.fill(out); });
  if (!end) {
    log::warning(fmt::format("{}: {}", request_.queue_id, end.error().what));
    co_await finish(state, "4.3.0", "cannot run command");
    co_return;
  }
  auto dsn = delivery::judge_command(*end, text);
  if (dsn.status == "2.0.0") {
    dsn.reason = fmt::format("delivered to command: {}", text);
  }
  co_await finish(state, std::move(dsn));
}

net::Task<> Delivery::to_maildir(State state, std::string path,
                                 std::string what) {
  if (request_.is_probe()) {
    co_await finish(state, "2.0.0", "delivers to maildir");
    co_return;
  }
  delivery::MessageCopy copy(request_, copy_options(state, config_.mark_files));
  auto deliver = [&]() -> Result<> {
    auto as =
        TRY(become(config_.rootless,
                   state.own_mailbox ? state.account->ids : ids_of(state)));
    return mailbox::deliver_to_maildir(
        path, config_.host, [&](std::string& out) { return copy.fill(out); },
        static_cast<size_t>(config_.settings->get(param::mailbox_size_limit)));
  };
  auto done = deliver();
  if (done) {
    co_await finish(state, "2.0.0", what);
  } else {
    co_await finish(
        state, mailbox_dsn(done.error()),
        fmt::format("maildir delivery failed: {}", done.error().what));
  }
}

net::Task<> Delivery::to_file(State state, std::string path) {
  auto ids = ids_of(state);
  if (seen_before(fmt::format("file {} {}", ids.uid, path))) co_return;
  std::string delivered = fmt::format("delivered to file: {}", path);
  if (path.ends_with('/')) {
    co_await to_maildir(std::move(state), path, "delivered to maildir");
    co_return;
  }
  if (request_.is_probe()) {
    co_await finish(state, "2.0.0", fmt::format("delivers to file: {}", path));
    co_return;
  }
  auto options = copy_options(state, config_.mark_files);
  options.head =
      delivery::from_line(state.sender, time(nullptr)) + options.head;
  options.tail = "\n";
  options.quote_from = true;
  delivery::MessageCopy copy(request_, std::move(options));
  bool executable = false;
  auto deliver = [&]() -> Result<> {
    auto as = TRY(become(config_.rootless, ids));
    auto writer = TRY(mailbox::MboxWriter::open(path, config_.locks, true));
    executable =
        S_ISREG(writer.info().st_mode) && (writer.info().st_mode & 0111) != 0;
    if (executable) return {};
    return writer.append(
        [&](std::string& out) { return copy.fill(out); },
        static_cast<size_t>(config_.settings->get(param::mailbox_size_limit)));
  };
  auto done = deliver();
  if (executable) {
    co_await finish(state, "5.7.1", "file is executable");
  } else if (done) {
    co_await finish(state, "2.0.0", delivered);
  } else {
    co_await finish(state, mailbox_dsn(done.error()),
                    fmt::format("cannot append message to file {}: {}", path,
                                done.error().what));
  }
}

net::Task<> Delivery::to_mbox(State state, std::string path) {
  if (request_.is_probe()) {
    co_await finish(state, "2.0.0", "delivers to mailbox");
    co_return;
  }
  auto options = copy_options(state, config_.mark_files);
  options.head =
      delivery::from_line(state.sender, time(nullptr)) + options.head;
  options.tail = "\n";
  options.quote_from = true;
  delivery::MessageCopy copy(request_, std::move(options));
  auto user = state.account->ids;
  // Who may create in the spool directory: everybody, a group, or root alone.
  process::UserIds spool = user;
  struct stat parent;
  std::string directory = path.substr(0, path.rfind('/'));
  bool root = false;
  if (stat(directory.c_str(), &parent) == 0 && !(parent.st_mode & S_IWOTH)) {
    if (parent.st_mode & S_IWGRP) {
      spool.gid = parent.st_gid;
    } else if (parent.st_uid != user.uid) {
      root = true;
    }
  }
  std::string refused, refused_status;
  long offset = 0;
  auto deliver = [&]() -> Result<> {
    std::optional<process::AsUser> as;
    if (!root && !config_.rootless) {
      as.emplace(TRY(process::AsUser::become(spool)));
    }
    auto writer = TRY(mailbox::MboxWriter::open(path, config_.locks, false));
    if (!S_ISREG(writer.info().st_mode)) {
      refused_status = "5.2.0";
      refused = fmt::format("destination {} is not a regular file", path);
      return {};
    }
    if (root && writer.created()) TRY(writer.give_to(user.uid, user.gid));
    if (config_.settings->get(param::strict_mailbox_ownership) &&
        writer.info().st_uid != user.uid) {
      refused_status = "4.2.0";
      refused = fmt::format("destination {} is not owned by recipient", path);
      return {};
    }
    auto as_user = TRY(become(config_.rootless, user));
    offset = writer.info().st_size;
    return writer.append(
        [&](std::string& out) { return copy.fill(out); },
        static_cast<size_t>(config_.settings->get(param::mailbox_size_limit)));
  };
  auto done = deliver();
  if (!refused.empty()) {
    co_await finish(state, refused_status, refused);
  } else if (done) {
    if (config_.settings->get(param::biff)) tell_comsat(state.user, offset);
    co_await finish(state, "2.0.0", "delivered to mailbox");
  } else {
    co_await finish(state, mailbox_dsn(done.error()),
                    fmt::format("cannot update mailbox {} for user {}. {}",
                                path, state.user, done.error().what));
  }
}

net::Task<> Delivery::to_transport(State state, std::string where) {
  size_t colon = where.find(':');
  std::string transport = where.substr(0, colon);
  ipc::DeliveryRequest request = request_;
  request.nexthop = colon == std::string::npos ? "" : where.substr(colon + 1);
  if (request.nexthop.empty()) request.nexthop = state.domain;
  request.sender = state.sender;
  request.recipient_count = 1;
  ipc::Recipient recipient = *original_;
  recipient.recipient = state.recipient;
  // More branches may be to come: only we know when all are done.
  if (state.level > 0) recipient.offset = 0;
  log::info(fmt::format("{}: passing <{}> to transport={}", request_.queue_id,
                        mime::quote_local(state.recipient), transport));
  ipc::Client::Options options;
  options.path = "private/" + transport;
  options.protocol = ipc::kDeliveryProtocol;
  options.timeout = config_.settings->get(param::ipc_timeout);
  ipc::Client client(std::move(options));
  auto replied = co_await hand_over(client, std::move(request), recipient);
  if (!replied) {
    log::warning(
        fmt::format("{}: {}", request_.queue_id, replied.error().what));
    co_await finish(state, "4.3.0", "mail transport unavailable");
  } else if (replied->status != 0) {
    deferred_ = true;
    report_.set_deferred();
  }
}

net::Task<bool> Delivery::to_mapped_transport(State state, maps::Tables& tables,
                                              std::string otherwise) {
  auto mapped = co_await tables.find(state.user);
  if (!mapped) {
    co_await finish(state, "4.3.0",
                    fmt::format("{} lookup failure", tables.title()));
    co_return true;
  }
  std::string where = *mapped ? (*mapped)->value : otherwise;
  if (where.empty()) co_return false;
  co_await to_transport(std::move(state), std::move(where));
  co_return true;
}

net::Task<> Delivery::to_mailbox(State state) {
  const auto& s = *config_.settings;
  auto account = process::find_account(state.user);
  if (!account) {
    co_await finish(state, "4.3.0", "user database lookup failure");
    co_return;
  }
  if (*account) {
    state.account = **account;
    state.ids = state.account->ids;
    struct stat info;
    const std::string& home = state.account->home;
    if (s.get(param::require_home_directory) &&
        stat(home.c_str(), &info) != 0) {
      co_await finish(state, "4.3.0",
                      fmt::format("cannot access home directory {}: {}", home,
                                  strerror(errno)));
      co_return;
    }
    bool forwarded = co_await to_forward_file(state);
    if (forwarded) co_return;
  }
  bool passed = co_await to_mapped_transport(state, config_.mailbox_transports,
                                             s.get(param::mailbox_transport));
  if (passed) co_return;
  if (*account) {
    co_await to_own_mailbox(std::move(state));
  } else {
    co_await to_nobody(std::move(state));
  }
}

net::Task<> Delivery::to_own_mailbox(State state) {
  const auto& s = *config_.settings;
  const std::string& home = state.account->home;
  auto mapped = co_await config_.mailbox_commands.find(state.user);
  if (!mapped) {
    co_await finish(state, "4.3.0", "mailbox_command_maps lookup failure");
    co_return;
  }
  std::string command =
      *mapped ? (*mapped)->value : s.get(param::mailbox_command);
  const std::string& box = s.get(param::home_mailbox);
  std::string path = box.empty() ? s.get(param::mail_spool_directory)
                                 : fmt::format("{}/{}", home, box);
  if (!command.empty()) {
    co_await to_command(std::move(state), std::move(command));
  } else if (path.ends_with('/')) {
    if (box.empty()) path += state.user + "/";
    state.own_mailbox = true;
    co_await to_maildir(std::move(state), path, "delivered to maildir");
  } else {
    if (box.empty()) path += "/" + state.user;
    co_await to_mbox(std::move(state), path);
  }
}

net::Task<> Delivery::to_nobody(State state) {
  const auto& s = *config_.settings;
  bool passed = co_await to_mapped_transport(state, config_.fallback_transports,
                                             s.get(param::fallback_transport));
  if (passed) co_return;
  const std::string& relay = s.get(param::luser_relay);
  if (!relay.empty() && state.from == From::Request) {
    config::Lookup lookup =
        [&](std::string_view name) -> std::optional<std::string> {
      if (name == "user") return state.user;
      if (name == "local") return state.local;
      if (name == "domain") return state.domain;
      if (name == "recipient") return state.recipient;
      if (state.extension.empty()) return std::nullopt;
      if (name == "extension") return state.extension;
      if (name == "recipient_delimiter") {
        return state.local.substr(state.user.size(), 1);
      }
      return std::nullopt;
    };
    auto to = config::expand(relay, lookup);
    if (to) {
      State inner = state;
      inner.from = From::Alias;
      inner.aliases.push_back(state.user);
      ++inner.level;
      co_await to_items(std::move(inner), parse_items(to->text, ""));
      co_return;
    }
  }
  if (mime::is_postmaster(state.user) || state.user == "mailer-daemon") {
    log::warning(fmt::format("required alias not found: {}", state.user));
    co_await finish(state, "2.0.0", "discarded");
    co_return;
  }
  co_await finish(state, "5.1.1",
                  fmt::format("unknown user: \"{}\"", state.user));
}

}  // namespace mail::local
