// SORT and THREAD (RFC 5256, 5957, 5267's ESORT).
#include <algorithm>

#include "common/base/ascii.h"
#include "common/imap/thread.h"
#include "common/mime/charset.h"
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

using Header = std::optional<std::string_view>;

std::string first_mailbox(const Header& header) {
  if (!header) return {};
  for (const auto& a : mime::read_addresses(*header, 50)) {
    if (a.mailbox) return mime::casemap(*a.mailbox);
  }
  return {};
}

std::string first_display(const Header& header) {
  if (!header) return {};
  auto name = mime::display_name(mime::read_addresses(*header, 50));
  return mime::casemap(mime::decode_words(name));
}

/// The Date header's, else the internal one.
Result<int64_t> sent_date(mailbox::Mailbox& box, uint32_t uid,
                          const mailview::MessageKeys& keys) {
  if (keys.date) return keys.date->seconds;
  return box.internal_date(uid);
}

/// Keys that are numbers, in a message that need not be looked at whole.
bool is_number(SortKey::Kind kind) {
  return kind == SortKey::Kind::Date || kind == SortKey::Kind::Arrival ||
         kind == SortKey::Kind::Size;
}

Result<int64_t> number_of(Session& session, uint32_t uid, SortKey::Kind kind,
                          mailview::MessageKeys& keys) {
  mailbox::Mailbox& box = *session.selected();
  if (kind == SortKey::Kind::Arrival) return box.internal_date(uid);
  if (kind == SortKey::Kind::Size) {
    return static_cast<int64_t>(TRY(box.virtual_size(uid)));
  }
  TRY(mailview::message_keys(session.message(), box, uid, keys));
  return sent_date(box, uid, keys);
}

std::string text_of(const mime::EnvelopeView& e, SortKey::Kind kind) {
  switch (kind) {
    case SortKey::Kind::Subject:
      return mime::base_subject(e.subject.value_or("")).text;
    case SortKey::Kind::From:
      return first_mailbox(e.from);
    case SortKey::Kind::To:
      return first_mailbox(e.to);
    case SortKey::Kind::Cc:
      return first_mailbox(e.cc);
    case SortKey::Kind::DisplayFrom:
      return first_display(e.from);
    case SortKey::Kind::DisplayTo:
      return first_display(e.to);
    default:
      return {};
  }
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

/// Errors: as of the mailbox; ENOENT: it has gone.
Result<Row> row_of(Session& session, uint32_t uid,
                   const std::vector<SortKey>& keys,
                   mailview::MessageKeys& held) {
  Row row{uid, {}};
  row.values.resize(keys.size());
  std::optional<mailview::HeaderFacts> facts;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (is_number(keys[i].kind)) {
      row.values[i].number = TRY(number_of(session, uid, keys[i].kind, held));
      continue;
    }
    if (!facts) {
      facts = TRY(
          mailview::header_facts(session.message(), *session.selected(), uid));
    }
    row.values[i].text = text_of(facts->envelope, keys[i].kind);
  }
  return row;
}

/// The order of one number of each: no rows are made.
net::Task<Result<>> sort_by_number(Session& session, const SortKey& key,
                                   std::vector<uint32_t>& uids) {
  std::vector<std::pair<int64_t, uint32_t>> rows;
  rows.reserve(uids.size());
  mailview::MessageKeys held;
  for (size_t i = 0; i < uids.size(); ++i) {
    if (i % 64 == 63) co_await session.share();
    auto number = number_of(session, uids[i], key.kind, held);
    if (!number && number.error().sys == ENOENT) continue;
    rows.emplace_back(CO_TRY(number), uids[i]);
  }
  std::sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
    if (a.first == b.first) return a.second < b.second;
    return key.reverse ? a.first > b.first : a.first < b.first;
  });
  uids.clear();
  for (const auto& row : rows) uids.push_back(row.second);
  co_return Result<>{};
}

/// Adds message `uid`; one that has gone is left out.
Result<> add_to_thread(Session& session, uint32_t uid, bool by_uid,
                       mailview::MessageKeys& held, imap::ThreadInput& input) {
  mailbox::Mailbox& box = *session.selected();
  auto known = mailview::message_keys(session.message(), box, uid, held);
  auto date =
      known ? sent_date(box, uid, held) : Result<int64_t>(fail(known.error()));
  if (!date && date.error().sys == ENOENT) return {};
  imap::ThreadMessage out;
  out.date = TRY(date);
  out.number = by_uid ? uid : box.seq(uid);
  out.id = held.id;
  out.subject = held.subject;
  out.reply = held.reply;
  input.add(out, held.references);
  return {};
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
  if (keys.size() == 1 && is_number(keys[0].kind)) {
    auto sorted = co_await sort_by_number(session, keys[0], uids);
    co_return sorted;
  }
  std::vector<Row> rows;
  rows.reserve(uids.size());
  mailview::MessageKeys held;
  for (size_t i = 0; i < uids.size(); ++i) {
    if (i % 64 == 63) co_await session.share();
    auto row = row_of(session, uids[i], keys, held);
    if (!row && row.error().sys == ENOENT) continue;
    rows.push_back(CO_TRY(row));
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
  imap::ThreadInput input;
  input.messages.reserve(found.uids.size());
  mailview::MessageKeys held;
  for (size_t i = 0; i < found.uids.size(); ++i) {
    if (i % 64 == 63) co_await session.share();
    auto added = add_to_thread(session, found.uids[i], is_uid_command(command),
                               held, input);
    if (!added) co_return session.failure(added.error());
  }
  session.message().close();
  std::string text = imap::thread_text(chosen->second, input);
  session.output() += "* THREAD" + (text.empty() ? text : " " + text) + "\r\n";
  co_return finished(command, "Thread completed");
}

}  // namespace mail::imapd
