// COPY and MOVE (RFC 3501, 4315, 6851).
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "common/imap/sequence_set.h"
#include "imapd/command.h"

namespace mail::imapd {
namespace {

std::string copy_code(const mailbox::Copied& copied) {
  return fmt::format("[COPYUID {} {} {}]", copied.uidvalidity,
                     imap::number_text(copied.from),
                     imap::number_text(copied.to));
}

net::Task<Reply> transfer(Session& session, const imap::Command& command,
                          bool move) {
  if (command.args.size() < 2) co_return Reply::bad("Missing arguments");
  if (!command.args[1].is_astring()) co_return Reply::bad("Invalid arguments");
  bool by_uid = is_uid_command(command);
  auto uids = message_set(session, command, 0);
  if (!uids) co_return Reply::bad("Invalid messageset");
  if (uids->empty()) co_return Reply::ok("No messages found");
  auto name = mailbox_name(command.args[1]);
  if (!name) co_return session.failure(name.error());
  mailbox::Mailbox& box = *session.selected();
  if (move && box.read_only()) {
    co_return Reply::no("[CANNOT] Mailbox is read-only");
  }
  auto to = session.storage().open_mailbox(*name, mailbox::OpenMode::ReadWrite);
  if (!to) co_return session.failure(to.error(), "TRYCREATE");
  auto copied = move ? box.move(*uids, **to) : box.copy(*uids, **to);
  auto sync = move || by_uid ? Reply::Sync::All : Reply::Sync::HoldExpunges;
  if (!copied && copied.error().sys == ENOENT) {
    Reply gone = Reply::no(
        "[EXPUNGEISSUED] Some of the requested messages no longer exist.",
        sync);
    gone.uids = by_uid;
    co_return gone;
  }
  if (!copied) co_return session.failure(copied.error(), "TRYCREATE");
  std::string done = move ? "Move completed" : "Copy completed";
  Reply reply = Reply::ok(done, sync);
  reply.uids = by_uid;
  if (copied->from.empty()) {
    if (!move) co_return Reply::ok("No messages found", sync);
    co_return reply;
  }
  if (move) {
    session.statistics().expunged += copied->from.size();
    session.output() += "* OK " + copy_code(*copied) + " Moved UIDs.\r\n";
    if (session.qresync()) {
      if (!session.sync(sync, by_uid)) co_return Reply();
      reply.sync = Reply::Sync::None;
      reply.text =
          fmt::format("[HIGHESTMODSEQ {}] {}", box.highest_modseq(), done);
    }
  } else {
    reply.text = copy_code(*copied) + " " + done;
  }
  co_return reply;
}

}  // namespace

net::Task<Reply> cmd_copy(Session& session, const imap::Command& command) {
  Reply reply = co_await transfer(session, command, false);
  co_return reply;
}

net::Task<Reply> cmd_move(Session& session, const imap::Command& command) {
  Reply reply = co_await transfer(session, command, true);
  co_return reply;
}

}  // namespace mail::imapd
