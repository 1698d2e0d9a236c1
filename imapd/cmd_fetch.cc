#include "imapd/cmd_fetch.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "common/base/number.h"
#include "common/imap/date_time.h"
#include "common/imap/quote.h"
#include "common/mailview/part_text.h"
#include "imapd/body_section.h"
#include "imapd/command.h"

namespace mail::imapd {
namespace {

using imap::FetchItem;
using Kind = FetchItem::Kind;

/// The local zone at that moment, seconds east of UTC.
int local_offset(int64_t seconds) {
  std::time_t t = seconds;
  std::tm local{};
  localtime_r(&t, &local);
  return static_cast<int>(local.tm_gmtoff);
}

void put_date(std::string& out, int64_t seconds) {
  out += '"';
  out += imap::format_date_time(seconds, local_offset(seconds));
  out += '"';
}

/// Items that are written without waiting.
Result<> put_item(Session& session, const mailbox::Message& message,
                  const FetchItem& item) {
  mailbox::Mailbox& box = *session.selected();
  uint32_t uid = message.uid;
  std::string& out = session.output();
  switch (item.kind) {
    case Kind::Flags:
      session.append_flags(message);
      break;
    case Kind::Uid:
    case Kind::XRealUid:
      out += item.kind == Kind::Uid ? "UID " : "X-REAL-UID ";
      imap::put_number(out, uid);
      break;
    case Kind::InternalDate: {
      int64_t date = TRY(box.internal_date(uid));
      out += "INTERNALDATE ";
      put_date(out, date);
      break;
    }
    case Kind::SaveDate:
    case Kind::XSaveDate: {
      int64_t date = TRY(box.save_date(uid));
      out += item.kind == Kind::SaveDate ? "SAVEDATE " : "X-SAVEDATE ";
      put_date(out, date);
      break;
    }
    case Kind::Size: {
      uint64_t size = TRY(box.virtual_size(uid));
      out += "RFC822.SIZE ";
      imap::put_number(out, size);
      break;
    }
    case Kind::Envelope:
      out += "ENVELOPE ";
      TRY(mailview::put_envelope(out, session.message(), box, uid));
      break;
    case Kind::Body:
    case Kind::BodyStructure: {
      bool extended = item.kind == Kind::BodyStructure;
      std::string text =
          TRY(mailview::structure_text(session.message(), box, uid, extended));
      out += extended ? "BODYSTRUCTURE " : "BODY ";
      out += text;
      break;
    }
    case Kind::ModSeq:
      out += "MODSEQ (";
      imap::put_number(out, message.modseq);
      out += ')';
      break;
    case Kind::Preview:
    case Kind::Snippet: {
      std::string text =
          TRY(mailview::preview_text(session.message(), box, uid));
      out += item.kind == Kind::Preview ? "PREVIEW " : "SNIPPET (FUZZY ";
      imap::put_string(out, text);
      if (item.kind == Kind::Snippet) out += ')';
      break;
    }
    case Kind::XGuid:
      out += "X-GUID ";
      imap::put_astring(out, TRY(box.message_guid(uid)));
      break;
    case Kind::XMailbox:
      out += "X-MAILBOX ";
      put_mailbox_name(out, session.selected_name());
      break;
    case Kind::Section:
      break;
  }
  return {};
}

bool sets_seen(const std::vector<FetchItem>& items) {
  for (const FetchItem& item : items) {
    if (item.kind == Kind::Section && !item.section.peek &&
        !item.section.binary_size) {
      return true;
    }
  }
  return false;
}

bool asks(const std::vector<FetchItem>& items, Kind kind) {
  for (const FetchItem& item : items) {
    if (item.kind == kind) return true;
  }
  return false;
}

/// Sets \Seen of those that have it not; their uids, ascending.
Result<std::vector<uint32_t>> mark_seen(Session& session,
                                        const std::vector<uint32_t>& uids) {
  mailbox::Mailbox& box = *session.selected();
  std::vector<uint32_t> unseen;
  for (uint32_t uid : uids) {
    auto message = box.find(uid);
    if (message && !(message->flags & mailbox::kSeen)) unseen.push_back(uid);
  }
  if (unseen.empty() || box.read_only()) return std::vector<uint32_t>{};
  mailbox::Store seen;
  seen.what.flags = mailbox::kSeen;
  seen.silent = true;
  auto stored = TRY(box.store(unseen, seen));
  return stored.changed;
}

void begin_fetch(Session& session, const mailbox::Message& message,
                 uint32_t seq, bool flags_first) {
  std::string& out = session.output();
  out += "* ";
  imap::put_number(out, seq);
  out += " FETCH (";
  if (flags_first) {
    session.append_flags(message);
    out += ' ';
  }
}

/// As fetch_one() of what needs no waiting.
Result<> fetch_plainly(Session& session, const mailbox::Message& message,
                       uint32_t seq, const std::vector<FetchItem>& items) {
  std::string& out = session.output();
  size_t begin = out.size();
  begin_fetch(session, message, seq, /*flags_first=*/false);
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ' ';
    auto done = put_item(session, message, items[i]);
    if (done) continue;
    out.resize(begin);
    return done;
  }
  out += ")\r\n";
  return {};
}

/// One "* n FETCH (...)". Errors: ENOENT: it has been expunged; Protocol and
/// EPIPE as write_section.
net::Task<Result<>> fetch_one(Session& session, const mailbox::Message& message,
                              uint32_t seq, const std::vector<FetchItem>& items,
                              bool flags_first) {
  std::string& out = session.output();
  size_t begin = out.size();
  begin_fetch(session, message, seq, flags_first);
  bool first = true;
  for (const FetchItem& item : items) {
    if (!first) out += ' ';
    first = false;
    Result<> done;
    if (item.kind == Kind::Section) {
      done = co_await write_section(session, message.uid, item.section);
    } else {
      done = put_item(session, message, item);
    }
    if (done) continue;
    if (done.error().fault != Fault::Protocol && out.size() >= begin) {
      out.resize(begin);
    }
    co_return done;
  }
  out += ")\r\n";
  co_return Result<>{};
}

struct Modifiers {
  std::optional<uint64_t> changed_since;
  bool vanished = false;
};

Result<Modifiers> parse_modifiers(Session& session,
                                  const imap::Command& command, size_t at) {
  Modifiers out;
  if (at >= command.args.size()) return out;
  if (!command.args[at].is_list() || at + 1 != command.args.size()) {
    return fail(Fault::Protocol, "Invalid arguments");
  }
  const imap::Args& list = command.args[at].list;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].is_atom("CHANGEDSINCE") && i + 1 < list.size()) {
      out.changed_since = parse_number<uint64_t>(list[++i].text);
      if (!out.changed_since) {
        return fail(Fault::Protocol, "Invalid CHANGEDSINCE modseq.");
      }
    } else if (list[i].is_atom("VANISHED")) {
      if (!session.qresync()) {
        return fail(Fault::Protocol, "QRESYNC not enabled");
      }
      out.vanished = true;
    } else {
      return fail(Fault::Protocol, "Unknown FETCH modifier");
    }
  }
  if (out.vanished && (!out.changed_since || !is_uid_command(command))) {
    return fail(Fault::Protocol,
                "VANISHED used without CHANGEDSINCE or UID FETCH");
  }
  return out;
}

void keep_changed(mailbox::Mailbox& box, uint64_t since,
                  std::vector<uint32_t>& uids) {
  std::erase_if(uids, [&](uint32_t uid) {
    auto message = box.find(uid);
    return !message || message->modseq <= since;
  });
}

void write_modseqs(Session& session, const std::vector<uint32_t>& uids,
                   bool with_uid) {
  mailbox::Mailbox& box = *session.selected();
  std::string& out = session.output();
  for (uint32_t uid : uids) {
    auto message = box.find(uid);
    if (!message) continue;
    out += "* ";
    imap::put_number(out, box.seq(uid));
    out += " FETCH (";
    if (with_uid) {
      out += "UID ";
      imap::put_number(out, uid);
      out += ' ';
    }
    out += "MODSEQ (";
    imap::put_number(out, message->modseq);
    out += "))\r\n";
  }
}

}  // namespace

net::Task<Fetched> fetch_messages(Session& session,
                                  const std::vector<uint32_t>& uids,
                                  const std::vector<FetchItem>& items) {
  mailbox::Mailbox& box = *session.selected();
  std::vector<uint32_t> seen;
  if (sets_seen(items)) {
    auto marked = mark_seen(session, uids);
    if (marked) {
      seen = std::move(*marked);
    } else {
      session.log(Severity::Error, marked.error().what);
    }
  }
  bool asks_flags = asks(items, Kind::Flags);
  bool plain = !asks(items, Kind::Section);
  auto next_seen = seen.begin();
  unsigned rested = 0;
  Fetched result = Fetched::All;
  for (uint32_t uid : uids) {
    bool marked = next_seen != seen.end() && *next_seen == uid;
    if (marked) ++next_seen;
    auto message = box.find(uid);
    if (!message) {
      result = Fetched::SomeGone;
      continue;
    }
    Result<> done;
    if (plain) {
      done = fetch_plainly(session, *message, box.seq(uid), items);
    } else {
      done = co_await fetch_one(session, *message, box.seq(uid), items,
                                marked && !asks_flags);
    }
    if (!done) {
      const Error& error = done.error();
      if (error.sys == EPIPE) co_return Fetched::Broken;
      if (error.fault == Fault::Protocol) {
        session.log(Severity::Error, "Mailbox " + box.name() +
                                         ": UID=" + std::to_string(uid) + ": " +
                                         error.what);
        session.disconnect("FETCH failed: " + error.what,
                           "FETCH failed: " + error.what);
        co_return Fetched::Broken;
      }
      if (error.sys != ENOENT && error.fault != Fault::Permanent) {
        // imap_fetch_failure
        Reply reply = session.failure(error);
        if (!session.config().fetch_failure_no) {
          std::string text = reply.text.substr(reply.text.find(' ') + 1);
          session.disconnect("FETCH failed: " + text, "FETCH failed");
          co_return Fetched::Broken;
        }
      }
      result = Fetched::SomeGone;
    }
    if (plain && ++rested % 16 && !session.has_much()) continue;
    bool alive = co_await session.breathe();
    if (!alive) co_return Fetched::Broken;
  }
  if (session.condstore() && !seen.empty()) {
    write_modseqs(session, seen, session.qresync());
  }
  co_return result;
}

std::vector<uint32_t> vanished_since(mailbox::Mailbox& box, uint64_t modseq,
                                     const imap::SequenceSet& known,
                                     bool limited) {
  std::vector<uint32_t> out;
  if (auto gone = box.expunged_since(modseq)) {
    for (uint32_t uid : *gone) {
      if (!limited || known.contains(uid)) out.push_back(uid);
    }
    return out;
  }
  for (uint32_t uid = 1; uid < box.uidnext(); ++uid) {
    if (box.seq(uid)) continue;
    if (!limited || known.contains(uid)) out.push_back(uid);
  }
  return out;
}

net::Task<Reply> cmd_fetch(Session& session, const imap::Command& command) {
  if (command.args.size() < 2) co_return Reply::bad("Invalid arguments");
  bool by_uid = is_uid_command(command);
  size_t at = 1;
  auto uids = message_set(session, command, 0);
  if (!uids) co_return Reply::bad("Invalid messageset");
  auto items = imap::parse_fetch_items(command.args, at);
  if (!items) co_return Reply::bad(items.error().what);
  auto modifiers = parse_modifiers(session, command, at);
  if (!modifiers) co_return Reply::bad(modifiers.error().what);
  mailbox::Mailbox& box = *session.selected();
  if (by_uid) {
    std::erase_if(*items,
                  [](const FetchItem& i) { return i.kind == Kind::Uid; });
    items->insert(items->begin(), FetchItem{Kind::Uid, {}, false});
  }
  bool modseq = asks(*items, Kind::ModSeq);
  if (modseq || modifiers->changed_since) session.enable_condstore(true);
  if (modifiers->changed_since) {
    if (!modseq) items->push_back(FetchItem{Kind::ModSeq, {}, false});
    if (modifiers->vanished) {
      auto known = imap::SequenceSet::parse(
          command.args[0].text, box.uidnext() > 1 ? box.uidnext() - 1 : 1);
      auto gone = vanished_since(box, *modifiers->changed_since,
                                 known.value_or(imap::SequenceSet()),
                                 known.has_value());
      if (!gone.empty()) {
        session.output() += "* VANISHED (EARLIER) " +
                            imap::SequenceSet::of(gone).text() + "\r\n";
      }
    }
    keep_changed(box, *modifiers->changed_since, *uids);
  }
  // As the original: what comes from a message's text stands behind the rest.
  std::stable_partition(items->begin(), items->end(), [](const FetchItem& i) {
    return i.kind != Kind::Section && i.kind != Kind::Envelope &&
           i.kind != Kind::Body && i.kind != Kind::BodyStructure;
  });
  auto sync = by_uid ? Reply::Sync::All : Reply::Sync::HoldExpunges;
  Fetched fetched = co_await fetch_messages(session, *uids, *items);
  Reply reply = Reply::ok("Fetch completed", sync);
  reply.uids = by_uid;
  if (fetched == Fetched::SomeGone) {
    reply.kind = Reply::Kind::No;
    reply.text =
        "[EXPUNGEISSUED] Some of the requested messages no longer exist.";
  }
  co_return reply;
}

}  // namespace mail::imapd
