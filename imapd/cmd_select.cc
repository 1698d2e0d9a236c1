// SELECT, EXAMINE, CLOSE, UNSELECT (RFC 3501, 3691, 7162).
#include <fmt/format.h>

#include <algorithm>

#include "common/base/number.h"
#include "imapd/cmd_fetch.h"
#include "imapd/command.h"

namespace mail::imapd {
namespace {

/// QRESYNC (uidvalidity modseq [uids [(seqs uids)]]).
struct Resync {
  uint32_t uidvalidity = 0;
  uint64_t modseq = 0;
  std::optional<imap::SequenceSet> known;
};

Result<Resync> parse_resync(const imap::Arg& arg) {
  Failure bad = fail(Fault::Protocol, "QRESYNC parameters missing");
  if (!arg.is_list() || arg.list.size() < 2) return bad;
  auto validity = parse_number<uint32_t>(arg.list[0].text);
  auto modseq = parse_number<uint64_t>(arg.list[1].text);
  if (!validity || *validity == 0) {
    return fail(Fault::Protocol, "Invalid QRESYNC UIDVALIDITY");
  }
  if (!modseq || *modseq == 0) {
    return fail(Fault::Protocol, "Invalid QRESYNC MODSEQ");
  }
  Resync out{*validity, *modseq, std::nullopt};
  if (arg.list.size() > 2 && !arg.list[2].is_list()) {
    out.known = imap::SequenceSet::parse(arg.list[2].text, 0);
    if (!out.known || out.known->ranges()[0].first == 0) {
      return fail(Fault::Protocol, "Invalid QRESYNC known-uids");
    }
  }
  return out;
}

struct Parameters {
  bool condstore = false;
  std::optional<Resync> resync;
};

Result<Parameters> parse_parameters(const Session& session,
                                    const imap::Args& list) {
  Parameters out;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].is_atom("CONDSTORE")) {
      out.condstore = true;
    } else if (list[i].is_atom("QRESYNC")) {
      if (!session.qresync()) {
        return fail(Fault::Protocol, "QRESYNC not enabled");
      }
      if (++i == list.size()) {
        return fail(Fault::Protocol, "QRESYNC parameters missing");
      }
      out.resync = TRY(parse_resync(list[i]));
      out.condstore = true;
    } else {
      return fail(Fault::Protocol, "Unknown FETCH modifier");
    }
  }
  return out;
}

void write_facts(Session& session) {
  mailbox::Mailbox& box = *session.selected();
  std::string& out = session.output();
  session.tell_flags();
  out +=
      fmt::format("* {} EXISTS\r\n* {} RECENT\r\n", box.count(), box.recent());
  if (uint32_t unseen = box.first_unseen()) {
    out += fmt::format("* OK [UNSEEN {}] First unseen.\r\n", unseen);
  }
  out += fmt::format(
      "* OK [UIDVALIDITY {}] UIDs valid\r\n"
      "* OK [UIDNEXT {}] Predicted next UID\r\n"
      "* OK [HIGHESTMODSEQ {}] Highest\r\n",
      box.uidvalidity(), box.uidnext(), box.highest_modseq());
}

net::Task<> write_resync(Session& session, const Resync& resync) {
  mailbox::Mailbox& box = *session.selected();
  if (resync.uidvalidity != box.uidvalidity()) co_return;
  std::vector<uint32_t> gone =
      vanished_since(box, resync.modseq,
                     resync.known ? *resync.known : imap::SequenceSet::of({}),
                     resync.known.has_value());
  if (!gone.empty()) {
    session.output() +=
        "* VANISHED (EARLIER) " + imap::SequenceSet::of(gone).text() + "\r\n";
  }
  std::vector<imap::FetchItem> items(3);
  items[0].kind = imap::FetchItem::Kind::Uid;
  items[1].kind = imap::FetchItem::Kind::Flags;
  items[2].kind = imap::FetchItem::Kind::ModSeq;
  std::vector<uint32_t> uids;
  for (uint32_t uid : box.uids()) {
    if (resync.known && !resync.known->contains(uid)) continue;
    auto message = box.find(uid);
    if (message && message->modseq > resync.modseq) uids.push_back(uid);
  }
  co_await fetch_messages(session, uids, items);
}

net::Task<Reply> open(Session& session, const imap::Command& command,
                      mailbox::OpenMode mode) {
  bool examine = mode == mailbox::OpenMode::ReadOnly;
  if (command.args.empty() || !command.args[0].is_astring()) {
    co_return Reply::bad("Invalid arguments");
  }
  if (session.selected()) {
    session.unselect();
    session.output() += "* OK [CLOSED] Previous mailbox closed.\r\n";
  }
  Parameters parameters;
  if (command.args.size() > 1 && command.args[1].is_list()) {
    auto parsed = parse_parameters(session, command.args[1].list);
    if (!parsed) co_return Reply::bad(parsed.error().what);
    parameters = std::move(*parsed);
  }
  auto name = mailbox_name(command.args[0]);
  if (!name) co_return session.failure(name.error());
  auto box = session.storage().open_mailbox(*name, mode);
  if (!box) co_return session.failure(box.error());
  if (parameters.condstore) session.enable_condstore(false);
  session.select(std::move(*box), *name);
  write_facts(session);
  if (parameters.resync) co_await write_resync(session, *parameters.resync);
  bool read_only = session.selected()->read_only();
  std::string text = read_only ? "[READ-ONLY] " : "[READ-WRITE] ";
  co_return Reply::ok(text +
                      (examine ? "Examine completed" : "Select completed"));
}

}  // namespace

net::Task<Reply> cmd_select(Session& session, const imap::Command& command) {
  Reply reply = co_await open(session, command, mailbox::OpenMode::ReadWrite);
  co_return reply;
}

net::Task<Reply> cmd_examine(Session& session, const imap::Command& command) {
  Reply reply = co_await open(session, command, mailbox::OpenMode::ReadOnly);
  co_return reply;
}

net::Task<Reply> cmd_close(Session& session, const imap::Command&) {
  mailbox::Mailbox& box = *session.selected();
  if (!box.read_only()) {
    std::vector<uint32_t> deleted;
    for (uint32_t uid : box.uids()) {
      auto message = box.find(uid);
      if (message && message->flags & mailbox::kDeleted) {
        deleted.push_back(uid);
      }
    }
    if (!deleted.empty()) {
      auto gone = box.expunge(deleted);
      if (!gone) {
        session.unselect();
        co_return session.failure(gone.error());
      }
      session.statistics().expunged += gone->size();
    }
  }
  session.unselect();
  co_return Reply::ok("Close completed");
}

net::Task<Reply> cmd_unselect(Session& session, const imap::Command&) {
  session.unselect();
  co_return Reply::ok("Unselect completed");
}

}  // namespace mail::imapd
