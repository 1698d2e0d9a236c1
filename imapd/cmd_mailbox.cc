// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/imap/quote.h"
#include "imapd/command.h"

namespace mail::imapd {
namespace {

bool takes_names(const imap::Command& command, size_t count) {
  if (command.args.size() < count) return false;
  for (size_t i = 0; i < count; ++i) {
    if (!command.args[i].is_astring()) return false;
  }
  return true;
}

}  // namespace

net::Task<Reply> cmd_create(Session& session, const imap::Command& command) {
  if (!takes_names(command, 1)) co_return Reply::bad("Invalid arguments");
  auto name = mailbox_name(command.args[0]);
  if (!name) co_return session.failure(name.error());
  auto done = session.storage().create(*name);
  if (!done) co_return session.failure(done.error());
  co_return Reply::ok("Create completed", Reply::Sync::All);
}

net::Task<Reply> cmd_delete(Session& session, const imap::Command& command) {
  if (!takes_names(command, 1)) co_return Reply::bad("Invalid arguments");
  auto name = mailbox_name(command.args[0]);
  if (!name) co_return session.failure(name.error());
  if (iequals(*name, "INBOX")) co_return Reply::no("INBOX can't be deleted");
  auto done = session.storage().remove(*name);
  if (!done) co_return session.failure(done.error(), "NONEXISTENT");
  co_return Reply::ok("Delete completed", Reply::Sync::All);
}

net::Task<Reply> cmd_rename(Session& session, const imap::Command& command) {
  if (!takes_names(command, 2)) co_return Reply::bad("Invalid arguments");
  auto from = mailbox_name(command.args[0]);
  auto to = mailbox_name(command.args[1]);
  if (!from) co_return session.failure(from.error());
  if (!to) co_return session.failure(to.error());
  if (*from == *to) {
    co_return Reply::no("[ALREADYEXISTS] Can't rename mailbox to itself");
  }
  auto done = session.storage().rename(*from, *to);
  if (!done) co_return session.failure(done.error(), "NONEXISTENT");
  co_return Reply::ok("Rename completed", Reply::Sync::All);
}

net::Task<Reply> cmd_subscribe(Session& session, const imap::Command& command) {
  if (!takes_names(command, 1)) co_return Reply::bad("Invalid arguments");
  auto name = mailbox_name(command.args[0]);
  if (!name) co_return session.failure(name.error());
  auto there = session.storage().exists(*name);
  if (!there) co_return session.failure(there.error());
  if (!*there) {
    co_return Reply::no("Mailbox doesn't exist: " + command.args[0].text);
  }
  auto done = session.storage().subscribe(*name);
  if (!done) co_return session.failure(done.error());
  co_return Reply::ok("Subscribe completed");
}

net::Task<Reply> cmd_unsubscribe(Session& session,
                                 const imap::Command& command) {
  if (!takes_names(command, 1)) co_return Reply::bad("Invalid arguments");
  auto name = mailbox_name(command.args[0]);
  if (!name) co_return session.failure(name.error());
  auto done = session.storage().unsubscribe(*name);
  if (!done) co_return session.failure(done.error(), "NONEXISTENT");
  co_return Reply::ok("Unsubscribe completed");
}

Result<StatusItems> parse_status_items(const imap::Arg& list) {
  StatusItems out;
  const std::pair<std::string_view, bool*> names[] = {
      {"MESSAGES", &out.messages}, {"RECENT", &out.recent},
      {"UIDNEXT", &out.uidnext},   {"UIDVALIDITY", &out.uidvalidity},
      {"UNSEEN", &out.unseen},     {"HIGHESTMODSEQ", &out.highest_modseq},
      {"SIZE", &out.size},         {"X-SIZE", &out.x_size},
      {"X-GUID", &out.guid}};
  if (list.list.empty()) {
    return fail(Fault::Protocol, "Empty status list");
  }
  for (const imap::Arg& word : list.list) {
    if (!word.is_atom()) {
      return fail(Fault::Protocol, "Status list contains non-atoms.");
    }
    bool known = false;
    for (const auto& [name, flag] : names) {
      if (!word.is_atom(name)) continue;
      known = *flag = true;
    }
    if (!known) {
      return fail(Fault::Protocol, "Invalid status item " + upper(word.text));
    }
  }
  return out;
}

Result<> write_status(Session& session, std::string_view utf8_name,
                      std::string_view shown, const StatusItems& items) {
  bool with_size = items.size || items.x_size;
  mailbox::Status status;
  if (session.selected() && session.selected_name() == utf8_name) {
    status = TRY(session.selected()->status(with_size));
    status.recent = session.selected()->recent();
  } else {
    status = TRY(session.storage().status(utf8_name, with_size));
  }
  std::string& out = session.output();
  out += "* STATUS ";
  out += shown;
  out += " (";
  const char* before = "";
  auto put = [&](bool wanted, std::string_view name, uint64_t value) {
    if (!wanted) return;
    out += before;
    before = " ";
    out += name;
    out += ' ';
    imap::put_number(out, value);
  };
  put(items.messages, "MESSAGES", status.messages);
  put(items.recent, "RECENT", status.recent);
  put(items.uidnext, "UIDNEXT", status.uidnext);
  put(items.uidvalidity, "UIDVALIDITY", status.uidvalidity);
  put(items.unseen, "UNSEEN", status.unseen);
  put(items.highest_modseq, "HIGHESTMODSEQ", status.highest_modseq);
  put(items.size, "SIZE", status.size);
  put(items.x_size, "X-SIZE", status.size);
  if (items.guid) out += fmt::format("{}X-GUID {}", before, status.guid);
  out += ")\r\n";
  return {};
}

net::Task<Reply> cmd_status(Session& session, const imap::Command& command) {
  if (command.args.size() < 2) co_return Reply::bad("Missing arguments");
  if (!command.args[0].is_astring() || !command.args[1].is_list()) {
    co_return Reply::bad("Invalid arguments");
  }
  auto items = parse_status_items(command.args[1]);
  if (!items) co_return Reply::bad(items.error().what);
  auto name = mailbox_name(command.args[0]);
  if (!name) co_return session.failure(name.error());
  if (items->highest_modseq) session.enable_condstore(true);
  std::string shown;
  imap::put_astring(shown, command.args[0].text);
  bool selected = session.selected() && session.selected_name() == *name;
  auto done = write_status(session, *name, shown, *items);
  if (!done) co_return session.failure(done.error());
  co_return Reply::ok(selected
                          ? "[CLIENTBUG] Status on selected mailbox completed"
                          : "Status completed");
}

}  // namespace mail::imapd
