#pragma once

#include <string_view>

#include "common/imap/server_engine.h"
#include "common/net/task.h"
#include "imapd/session.h"

namespace mail::imapd {

/// A command of the table: run() writes its untagged replies and returns the
/// tagged one. Of a Bad reply the text is without "Error in IMAP command ...".
struct CommandEntry {
  std::string_view name;
  net::Task<Reply> (*run)(Session& session, const imap::Command& command);
  bool needs_mailbox = false;
};

/// nullptr: there is no such command.
const CommandEntry* find_command(std::string_view name, const Config& config);

// One a file: cmd_NAME.cc, or the family's.
net::Task<Reply> cmd_capability(Session&, const imap::Command&);
net::Task<Reply> cmd_noop(Session&, const imap::Command&);
net::Task<Reply> cmd_logout(Session&, const imap::Command&);
net::Task<Reply> cmd_id(Session&, const imap::Command&);
net::Task<Reply> cmd_enable(Session&, const imap::Command&);
net::Task<Reply> cmd_namespace(Session&, const imap::Command&);
net::Task<Reply> cmd_compress(Session&, const imap::Command&);
net::Task<Reply> cmd_check(Session&, const imap::Command&);
net::Task<Reply> cmd_select(Session&, const imap::Command&);
net::Task<Reply> cmd_examine(Session&, const imap::Command&);
net::Task<Reply> cmd_close(Session&, const imap::Command&);
net::Task<Reply> cmd_unselect(Session&, const imap::Command&);
net::Task<Reply> cmd_create(Session&, const imap::Command&);
net::Task<Reply> cmd_delete(Session&, const imap::Command&);
net::Task<Reply> cmd_rename(Session&, const imap::Command&);
net::Task<Reply> cmd_subscribe(Session&, const imap::Command&);
net::Task<Reply> cmd_unsubscribe(Session&, const imap::Command&);
net::Task<Reply> cmd_list(Session&, const imap::Command&);
net::Task<Reply> cmd_lsub(Session&, const imap::Command&);
net::Task<Reply> cmd_xlist(Session&, const imap::Command&);
net::Task<Reply> cmd_status(Session&, const imap::Command&);
net::Task<Reply> cmd_append(Session&, const imap::Command&);
net::Task<Reply> cmd_expunge(Session&, const imap::Command&);
net::Task<Reply> cmd_fetch(Session&, const imap::Command&);
net::Task<Reply> cmd_store(Session&, const imap::Command&);
net::Task<Reply> cmd_copy(Session&, const imap::Command&);
net::Task<Reply> cmd_move(Session&, const imap::Command&);
net::Task<Reply> cmd_search(Session&, const imap::Command&);
net::Task<Reply> cmd_sort(Session&, const imap::Command&);
net::Task<Reply> cmd_thread(Session&, const imap::Command&);
net::Task<Reply> cmd_metadata(Session&, const imap::Command&);
net::Task<Reply> cmd_cancelupdate(Session&, const imap::Command&);
net::Task<Reply> cmd_x_state(Session&, const imap::Command&);
net::Task<Reply> cmd_idle(Session&, const imap::Command&);
net::Task<Reply> cmd_getquota(Session&, const imap::Command&);
net::Task<Reply> cmd_getquotaroot(Session&, const imap::Command&);
net::Task<Reply> cmd_setquota(Session&, const imap::Command&);

/// APPEND from its first message on.
net::Task<Reply> run_append(Session& session, imap::AppendMessage first);

// What several commands need.

/// The UTF-8 name of a mailbox argument. Errors: Permanent; what: the text of
/// NO.
Result<std::string> mailbox_name(const imap::Arg& arg);
/// As it is told to the client: mUTF-7, an astring.
void put_mailbox_name(std::string& out, std::string_view utf8);

/// The uids a set argument names, of messages in the view; in a UID command
/// unknown ones are left out. nullopt: "Invalid messageset".
std::optional<std::vector<uint32_t>> message_set(Session& session,
                                                 const imap::Command& command,
                                                 size_t argument);
bool is_uid_command(const imap::Command& command);

/// The "* STATUS NAME (...)" line for the items of `list`. Errors: Protocol,
/// text of BAD; else of the mailbox.
struct StatusItems {
  bool messages = false, recent = false, uidnext = false, uidvalidity = false,
       unseen = false, highest_modseq = false, size = false, guid = false,
       x_size = false;
};
Result<StatusItems> parse_status_items(const imap::Arg& list);
Result<> write_status(Session& session, std::string_view utf8_name,
                      std::string_view shown, const StatusItems& items);

}  // namespace mail::imapd
