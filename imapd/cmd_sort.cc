// SORT and THREAD (RFC 5256, 5957, 5267's ESORT).
#include <algorithm>
#include <array>

#include "common/base/ascii.h"
#include "common/imap/thread.h"
#include "common/mime/charset.h"
#include "common/mime/date_parse.h"
#include "common/mime/envelope_address.h"
#include "common/mime/subject.h"
#include "imapd/search.h"

namespace mail::imapd {
namespace {

using imap::SortKey;

/// One key of a message: a number or a text.
struct Value {
  int64_t number = 0;
  std::string text;
};
struct Row {
  uint32_t uid = 0;
  std::vector<Value> values;
};

std::string first_mailbox(const std::optional<std::string>& header) {
  if (!header) return {};
  for (const auto& a : mime::read_addresses(*header, 50)) {
    if (a.mailbox) return mime::casemap(*a.mailbox);
  }
  return {};
}

std::string first_display(const std::optional<std::string>& header) {
  if (!header) return {};
  auto name = mime::display_name(mime::read_addresses(*header, 50));
  return mime::casemap(mime::decode_words(name));
}

Result<int64_t> sent_date(mailbox::Mailbox& box, uint32_t uid,
                          const mailview::HeaderFacts& facts) {
  if (facts.envelope.date) {
    if (auto date = mime::read_date(*facts.envelope.date)) {
      return date->seconds;
    }
  }
  return box.internal_date(uid);
}

enum class Needed { Nothing, Date, Headers };

Needed needed_for(const std::vector<SortKey>& keys) {
  Needed out = Needed::Nothing;
  for (const SortKey& key : keys) {
    if (key.kind == SortKey::Kind::Date) {
      out = std::max(out, Needed::Date);
    } else if (key.kind != SortKey::Kind::Arrival &&
               key.kind != SortKey::Kind::Size) {
      out = Needed::Headers;
    }
  }
  return out;
}

Result<mailview::HeaderFacts> facts_for(Session& session, uint32_t uid,
                                        Needed needed) {
  mailview::HeaderFacts facts;
  if (needed == Needed::Headers) {
    return mailview::header_facts(session.message(), *session.selected(), uid);
  }
  if (needed == Needed::Date) {
    facts.envelope.date =
        TRY(mailview::date_header(session.message(), *session.selected(), uid));
  }
  return facts;
}

Result<Value> value_of(mailbox::Mailbox& box, uint32_t uid,
                       const mailview::HeaderFacts& facts, SortKey::Kind kind) {
  Value value;
  switch (kind) {
    case SortKey::Kind::Arrival:
      value.number = TRY(box.internal_date(uid));
      break;
    case SortKey::Kind::Size:
      value.number = static_cast<int64_t>(TRY(box.virtual_size(uid)));
      break;
    case SortKey::Kind::Date:
      value.number = TRY(sent_date(box, uid, facts));
      break;
    case SortKey::Kind::Subject:
      value.text = mime::base_subject(facts.envelope.subject.value_or("")).text;
      break;
    case SortKey::Kind::From:
      value.text = first_mailbox(facts.envelope.from);
      break;
    case SortKey::Kind::To:
      value.text = first_mailbox(facts.envelope.to);
      break;
    case SortKey::Kind::Cc:
      value.text = first_mailbox(facts.envelope.cc);
      break;
    case SortKey::Kind::DisplayFrom:
      value.text = first_display(facts.envelope.from);
      break;
    case SortKey::Kind::DisplayTo:
      value.text = first_display(facts.envelope.to);
      break;
  }
  return value;
}

bool before(const std::vector<SortKey>& keys, const Row& a, const Row& b) {
  for (size_t i = 0; i < keys.size(); ++i) {
    const Value &x = a.values[i], &y = b.values[i];
    int order = x.number != y.number ? (x.number < y.number ? -1 : 1)
                                     : x.text.compare(y.text);
    if (order) return keys[i].reverse ? order > 0 : order < 0;
  }
  return a.uid < b.uid;
}

/// References, else the first id of In-Reply-To (RFC 5256, REFERENCES 1).
std::vector<std::string> references_of(const mailview::HeaderFacts& facts) {
  auto ids = imap::read_message_ids(facts.references);
  if (!ids.empty()) return ids;
  return imap::read_message_ids(facts.envelope.in_reply_to.value_or(""), 1);
}

Result<imap::ThreadMessage> thread_message(Session& session, uint32_t uid,
                                           bool by_uid,
                                           imap::ThreadAlgorithm algorithm) {
  mailbox::Mailbox& box = *session.selected();
  imap::ThreadMessage out;
  out.number = by_uid ? uid : box.seq(uid);
  mailview::HeaderFacts facts =
      TRY(mailview::header_facts(session.message(), box, uid));
  out.date = TRY(sent_date(box, uid, facts));
  if (algorithm != imap::ThreadAlgorithm::OrderedSubject) {
    auto ids =
        imap::read_message_ids(facts.envelope.message_id.value_or(""), 1);
    if (!ids.empty()) out.id = std::move(ids[0]);
    out.references = references_of(facts);
  }
  if (algorithm != imap::ThreadAlgorithm::Refs) {
    auto base = mime::base_subject(facts.envelope.subject.value_or(""));
    out.subject = std::move(base.text);
    out.reply = base.reply;
  }
  return out;
}

Reply finished(const imap::Command& command, std::string text) {
  Reply reply = Reply::ok(std::move(text), is_uid_command(command)
                                               ? Reply::Sync::All
                                               : Reply::Sync::HoldExpunges);
  reply.uids = is_uid_command(command);
  return reply;
}

}  // namespace

net::Task<Result<>> sort_messages(Session& session,
                                  const std::vector<SortKey>& keys,
                                  std::vector<uint32_t>& uids) {
  mailbox::Mailbox& box = *session.selected();
  Needed needed = needed_for(keys);
  std::vector<Row> rows;
  rows.reserve(uids.size());
  for (size_t i = 0; i < uids.size(); ++i) {
    if (i % 64 == 63) co_await session.share();
    Row row{uids[i], {}};
    auto read = facts_for(session, uids[i], needed);
    if (!read && read.error().sys == ENOENT) continue;
    mailview::HeaderFacts facts = CO_TRY(read);
    row.values.reserve(keys.size());
    bool gone = false;
    for (const SortKey& key : keys) {
      auto value = value_of(box, uids[i], facts, key.kind);
      gone = !value && value.error().sys == ENOENT;
      if (gone) break;
      row.values.push_back(CO_TRY(value));
    }
    if (!gone) rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(),
            [&](const Row& a, const Row& b) { return before(keys, a, b); });
  uids.clear();
  for (const Row& row : rows) uids.push_back(row.uid);
  co_return Result<>{};
}

net::Task<Reply> cmd_sort(Session& session, const imap::Command& command) {
  size_t at = 0;
  auto options = imap::parse_search_return(command.args, at);
  if (!options) co_return Reply::bad(options.error().what);
  const imap::Args& args = command.args;
  if (at >= args.size() || !args[at].is_list()) {
    co_return Reply::bad("Invalid sort argument");
  }
  auto keys = imap::parse_sort(args[at++]);
  if (!keys) co_return Reply::bad(keys.error().what);
  if (at >= args.size() || !args[at].is_astring()) {
    co_return Reply::bad("Invalid charset argument.");
  }
  std::string charset = args[at++].text;
  Found found = co_await run_search(session, command, at, charset);
  if (!found.error.text.empty()) co_return found.error;
  auto sorted = co_await sort_messages(session, *keys, found.uids);
  session.message().close();
  if (!sorted) co_return session.failure(sorted.error());
  write_found(session, command, *options, found, "SORT");
  co_return finished(command, "Sort completed");
}

net::Task<Reply> cmd_thread(Session& session, const imap::Command& command) {
  const imap::Args& args = command.args;
  static constexpr std::pair<std::string_view, imap::ThreadAlgorithm> kNames[] =
      {{"REFERENCES", imap::ThreadAlgorithm::References},
       {"REFS", imap::ThreadAlgorithm::Refs},
       {"ORDEREDSUBJECT", imap::ThreadAlgorithm::OrderedSubject}};
  if (args.size() < 2 || !args[0].is_atom() || !args[1].is_astring()) {
    co_return Reply::bad("Invalid arguments.");
  }
  const auto* chosen = std::find_if(
      std::begin(kNames), std::end(kNames),
      [&](const auto& entry) { return args[0].is_atom(entry.first); });
  if (chosen == std::end(kNames)) {
    co_return Reply::bad("Unknown thread algorithm");
  }
  Found found = co_await run_search(session, command, 2, args[1].text);
  if (!found.error.text.empty()) co_return found.error;
  std::vector<imap::ThreadMessage> messages;
  for (size_t i = 0; i < found.uids.size(); ++i) {
    if (i % 64 == 63) co_await session.share();
    auto message = thread_message(session, found.uids[i],
                                  is_uid_command(command), chosen->second);
    if (message) {
      messages.push_back(std::move(*message));
    } else if (message.error().sys != ENOENT) {
      co_return session.failure(message.error());
    }
  }
  session.message().close();
  std::string text = imap::thread_text(chosen->second, std::move(messages));
  session.output() += "* THREAD" + (text.empty() ? text : " " + text) + "\r\n";
  co_return finished(command, "Thread completed");
}

}  // namespace mail::imapd
