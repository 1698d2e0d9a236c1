// STORE, UID STORE, EXPUNGE, UID EXPUNGE (RFC 3501, 4315, 7162).
#include <fmt/format.h>

#include <algorithm>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/imap/quote.h"
#include "imapd/command.h"
#include "imapd/flag_list.h"

namespace mail::imapd {
namespace {

struct StoreRequest {
  mailbox::Store store;
  bool silent = false;
};

Result<StoreRequest> parse_store(const imap::Command& command) {
  StoreRequest out;
  size_t at = 1;
  if (at < command.args.size() && command.args[at].is_list()) {
    const imap::Args& list = command.args[at].list;
    for (size_t i = 0; i < list.size(); ++i) {
      if (!list[i].is_atom("UNCHANGEDSINCE") || i + 1 == list.size()) {
        return fail(Fault::Protocol, "Unknown STORE modifier");
      }
      out.store.unchanged_since = parse_number<uint64_t>(list[++i].text);
      if (!out.store.unchanged_since) {
        return fail(Fault::Protocol, "Invalid UNCHANGEDSINCE value");
      }
    }
    ++at;
  }
  if (at + 1 >= command.args.size() || !command.args[at].is_atom()) {
    return fail(Fault::Protocol, "Invalid arguments");
  }
  std::string item = upper(command.args[at].text);
  if (item.starts_with('+')) {
    out.store.action = mailbox::Store::Action::Add;
  } else if (item.starts_with('-')) {
    out.store.action = mailbox::Store::Action::Remove;
  } else {
    out.store.action = mailbox::Store::Action::Replace;
    item.insert(0, "=");
  }
  out.silent = item.ends_with("FLAGS.SILENT");
  if (item.substr(1) != "FLAGS" && item.substr(1) != "FLAGS.SILENT") {
    return fail(Fault::Protocol, "Invalid arguments");
  }
  imap::Args flags(command.args.begin() + static_cast<ptrdiff_t>(at) + 1,
                   command.args.end());
  if (flags[0].is_list()) {
    imap::Args inner = std::move(flags[0].list);
    flags = std::move(inner);
  }
  out.store.what = TRY(parse_flags(flags));
  return out;
}

/// Numbers as the client counts, of uids.
std::string numbers_text(Session& session, const std::vector<uint32_t>& uids,
                         bool by_uid) {
  if (by_uid) return imap::number_text(uids);
  std::vector<uint32_t> numbers;
  for (uint32_t uid : uids) {
    if (uint32_t seq = session.selected()->seq(uid)) numbers.push_back(seq);
  }
  return imap::number_text(numbers);
}

// With CONDSTORE even a silent STORE tells the new MODSEQ.
void write_modseqs(Session& session, const mailbox::Stored& stored,
                   bool by_uid) {
  std::string& out = session.output();
  for (uint32_t uid : stored.changed) {
    uint32_t seq = session.selected()->seq(uid);
    // Each its own: another process may have changed one meanwhile.
    auto message = session.selected()->find(uid);
    if (!seq || !message) continue;
    out += "* ";
    imap::put_number(out, seq);
    out += " FETCH (";
    if (by_uid || session.qresync()) {
      out += "UID ";
      imap::put_number(out, uid);
      out += ' ';
    }
    out += "MODSEQ (";
    imap::put_number(out, message->modseq);
    out += "))\r\n";
  }
}

void count_deleted(Session& session, const StoreRequest& request,
                   const mailbox::Stored& stored) {
  if (request.store.action != mailbox::Store::Action::Remove &&
      request.store.what.flags & mailbox::kDeleted) {
    session.statistics().deleted += stored.changed.size();
  }
}

}  // namespace

net::Task<Reply> cmd_store(Session& session, const imap::Command& command) {
  bool by_uid = is_uid_command(command);
  if (command.args.empty()) co_return Reply::bad("Invalid arguments");
  auto uids = message_set(session, command, 0);
  if (!uids) co_return Reply::bad("Invalid messageset");
  auto request = parse_store(command);
  if (!request && request.error().fault == Fault::Permanent) {
    co_return session.failure(request.error());
  }
  if (!request) co_return Reply::bad(request.error().what);
  mailbox::Mailbox& box = *session.selected();
  auto sync = by_uid ? Reply::Sync::All : Reply::Sync::HoldExpunges;
  if (box.read_only()) {
    co_return Reply::ok("Store ignored with read-only mailbox", sync);
  }
  if (request->store.unchanged_since) session.enable_condstore(true);
  request->store.silent = request->silent;
  auto stored = box.store(*uids, request->store);
  if (!stored) co_return session.failure(stored.error());
  count_deleted(session, *request, *stored);
  if (request->silent && session.condstore()) {
    if (!session.sync(sync, by_uid)) co_return Reply();
    write_modseqs(session, *stored, by_uid);
  }
  Reply reply = Reply::ok("Store completed", sync);
  reply.uids = by_uid;
  if (!stored->modified.empty()) {
    reply.text = fmt::format("[MODIFIED {}] Conditional store failed",
                             numbers_text(session, stored->modified, by_uid));
  } else if (!stored->expunged.empty() && !by_uid) {
    reply.kind = Reply::Kind::No;
    reply.text = "[EXPUNGEISSUED] Some of the messages no longer exist.";
  }
  co_return reply;
}

net::Task<Reply> cmd_expunge(Session& session, const imap::Command& command) {
  mailbox::Mailbox& box = *session.selected();
  std::vector<uint32_t> uids;
  if (is_uid_command(command)) {
    auto set = message_set(session, command, 0);
    if (!set) co_return Reply::bad("Invalid messageset");
    uids = std::move(*set);
  } else {
    uids = box.uids();
  }
  std::erase_if(uids, [&](uint32_t uid) {
    auto message = box.find(uid);
    return !message || !(message->flags & mailbox::kDeleted);
  });
  bool any = false;
  if (!box.read_only() && !uids.empty()) {
    auto gone = box.expunge(uids);
    if (!gone) co_return session.failure(gone.error());
    session.statistics().expunged += gone->size();
    any = !gone->empty();
  }
  if (!session.sync(Reply::Sync::All, is_uid_command(command))) {
    co_return Reply();
  }
  std::string text = "Expunge completed";
  if (any && session.qresync()) {
    text = fmt::format("[HIGHESTMODSEQ {}] {}", box.highest_modseq(), text);
  }
  co_return Reply::ok(text);
}

}  // namespace mail::imapd
