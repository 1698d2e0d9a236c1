// Commands that touch no message: CAPABILITY, NOOP, CHECK, LOGOUT, ID, ENABLE,
// NAMESPACE; and the table of all commands.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/imap/quote.h"
#include "imapd/command.h"

namespace mail::imapd {
namespace {

constexpr CommandEntry kCommands[] = {
    {"CAPABILITY", cmd_capability},
    {"NOOP", cmd_noop},
    {"LOGOUT", cmd_logout},
    {"ID", cmd_id},
    {"ENABLE", cmd_enable},
    {"NAMESPACE", cmd_namespace},
    {"SELECT", cmd_select},
    {"EXAMINE", cmd_examine},
    {"CREATE", cmd_create},
    {"DELETE", cmd_delete},
    {"RENAME", cmd_rename},
    {"SUBSCRIBE", cmd_subscribe},
    {"UNSUBSCRIBE", cmd_unsubscribe},
    {"LIST", cmd_list},
    {"LSUB", cmd_lsub},
    {"XLIST", cmd_xlist},
    {"STATUS", cmd_status},
    {"APPEND", cmd_append},
    {"IDLE", cmd_idle},
    {"GETMETADATA", cmd_metadata},
    {"SETMETADATA", cmd_metadata},
    {"CANCELUPDATE", cmd_cancelupdate},
    {"X-STATE", cmd_x_state},
    {"CHECK", cmd_check, true},
    {"CLOSE", cmd_close, true},
    {"UNSELECT", cmd_unselect, true},
    {"EXPUNGE", cmd_expunge, true},
    {"UID EXPUNGE", cmd_expunge, true},
    {"FETCH", cmd_fetch, true},
    {"UID FETCH", cmd_fetch, true},
    {"STORE", cmd_store, true},
    {"UID STORE", cmd_store, true},
    {"COPY", cmd_copy, true},
    {"UID COPY", cmd_copy, true},
    {"MOVE", cmd_move, true},
    {"UID MOVE", cmd_move, true},
    {"SEARCH", cmd_search, true},
    {"UID SEARCH", cmd_search, true},
    {"SORT", cmd_sort, true},
    {"UID SORT", cmd_sort, true},
    {"THREAD", cmd_thread, true},
    {"UID THREAD", cmd_thread, true},
};
constexpr CommandEntry kCompress = {"COMPRESS", cmd_compress};
constexpr CommandEntry kQuota[] = {{"GETQUOTA", cmd_getquota},
                                   {"GETQUOTAROOT", cmd_getquotaroot},
                                   {"SETQUOTA", cmd_setquota}};

/// imap_id_send: "name * version x ..." as the list of an ID reply.
std::string id_text(std::string_view setting) {
  auto words = split(setting, " ");
  std::string out;
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    std::string_view value = words[i + 1];
    if (value == "*") {
      if (words[i] == "name") {
        value = "Dovecot";
      } else if (words[i] == "version") {
        value = "2.3.19.1 (9b53102964)";
      } else if (words[i] == "revision") {
        value = "9b53102964";
      } else {
        continue;
      }
    }
    out += out.empty() ? "(" : " ";
    imap::put_string(out, words[i]);
    out += ' ';
    imap::put_string(out, value);
  }
  return out.empty() ? "NIL" : out + ")";
}

void log_id(Session& session, const imap::Command& command) {
  const std::string& wanted = session.config().id_log;
  if (wanted.empty() || command.args.empty() || !command.args[0].is_list()) {
    return;
  }
  auto names = split(wanted, " ");
  bool all = wanted == "*";
  std::string out;
  const auto& list = command.args[0].list;
  for (size_t i = 0; i + 1 < list.size() && i < 60; i += 2) {
    bool named = std::any_of(names.begin(), names.end(), [&](auto name) {
      return iequals(name, list[i].text);
    });
    if (!all && !named) continue;
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", list[i].text,
                       list[i + 1].text);
  }
  if (!out.empty()) session.log(Severity::Info, "ID sent: " + out);
}

void put_namespaces(std::string& out,
                    const std::vector<mailbox::NamespaceInfo>& all,
                    mailbox::NamespaceSettings::Type type) {
  bool any = false;
  for (const auto& space : all) {
    if (space.type != type || space.hidden) continue;
    out += any ? "" : "(";
    any = true;
    out += '(';
    std::string prefix;
    put_mailbox_name(prefix, space.prefix);
    if (prefix.starts_with('"') || prefix.starts_with('{')) {
      out += prefix;
    } else {
      imap::put_escaped(out, prefix);
    }
    out += " \"";
    if (space.separator == '\\' || space.separator == '"') out += '\\';
    out += space.separator;
    out += "\")";
  }
  out += any ? ")" : "NIL";
}

}  // namespace

const CommandEntry* find_command(std::string_view name, const Config& config) {
  for (const CommandEntry& entry : kCommands) {
    if (entry.name == name) return &entry;
  }
  if (config.compress && name == kCompress.name) return &kCompress;
  for (const CommandEntry& entry : kQuota) {
    if (config.quota && name == entry.name) return &entry;
  }
  return nullptr;
}

bool is_uid_command(const imap::Command& command) {
  return command.name.starts_with("UID ");
}

net::Task<Reply> cmd_capability(Session& session, const imap::Command&) {
  session.output() += "* CAPABILITY " + session.capability() + "\r\n";
  co_return Reply::ok("Capability completed");
}

net::Task<Reply> cmd_noop(Session&, const imap::Command&) {
  co_return Reply::ok("NOOP completed", Reply::Sync::All);
}

net::Task<Reply> cmd_check(Session&, const imap::Command&) {
  co_return Reply::ok("Check completed", Reply::Sync::All);
}

net::Task<Reply> cmd_logout(Session& session, const imap::Command&) {
  session.disconnect("Logging out", "Logged out");
  co_return Reply::ok("Logout completed");
}

net::Task<Reply> cmd_id(Session& session, const imap::Command& command) {
  log_id(session, command);
  session.output() += "* ID " + id_text(session.config().id_send) + "\r\n";
  co_return Reply::ok("ID completed");
}

// What the original answers when these are not configured.
net::Task<Reply> cmd_metadata(Session&, const imap::Command&) {
  co_return Reply::no("[CANNOT] Generic mailbox attributes not enabled");
}

net::Task<Reply> cmd_cancelupdate(Session&, const imap::Command& command) {
  if (command.args.empty()) co_return Reply::bad("Missing parameter");
  co_return Reply::no("Unknown tag");
}

net::Task<Reply> cmd_x_state(Session&, const imap::Command&) {
  co_return Reply::bad("Command is disabled for now");
}

net::Task<Reply> cmd_enable(Session& session, const imap::Command& command) {
  std::string enabled;
  for (const imap::Arg& arg : command.args) {
    if (!arg.is_atom()) co_return Reply::bad("Invalid arguments");
    std::string name = upper(arg.text);
    if (name != "QRESYNC" && name != "CONDSTORE") continue;
    session.enable_condstore(true);
    if (name == "QRESYNC") session.enable_qresync();
    if (session.first_enabled(name)) enabled += " " + name;
  }
  if (!enabled.empty()) session.output() += "* ENABLED" + enabled + "\r\n";
  co_return Reply::ok("Enabled");
}

net::Task<Reply> cmd_namespace(Session& session, const imap::Command&) {
  using Type = mailbox::NamespaceSettings::Type;
  auto all = session.storage().namespaces();
  std::string& out = session.output();
  out += "* NAMESPACE ";
  put_namespaces(out, all, Type::Private);
  out += ' ';
  put_namespaces(out, all, Type::Shared);
  out += ' ';
  put_namespaces(out, all, Type::Public);
  out += "\r\n";
  co_return Reply::ok("Namespace completed");
}

}  // namespace mail::imapd
