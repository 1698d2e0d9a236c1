// doveadm expunge, flags, copy, move, deduplicate.
#include <fmt/format.h>

#include <set>

#include "common/base/ascii.h"
#include "common/mailview/part_text.h"
#include "tools/doveadm/mail/run.h"

namespace mail::doveadm {

namespace {

using mailbox::Store;

UserMail::Visit writing(std::string_view complaint) {
  UserMail::Visit out;
  out.mode = mailbox::OpenMode::ReadWrite;
  out.complaint = complaint;
  return out;
}

constexpr std::string_view kSyncFailed = "Mailbox %: Mailbox sync failed";

int expunge(Context& context) {
  MailRun run(context, "d");
  Query query = run.query(0);
  if (!query.always_says_mailbox()) {
    context.fatal(
        "expunge: To avoid accidents, search query must contain MAILBOX in "
        "all search branches",
        kUsage);
  }
  if (!query.always_says_more()) {
    context.fatal(
        "expunge: To avoid accidents, each branch in search query must "
        "contain something else besides MAILBOX (e.g. just add \"all\" if you "
        "want everything)",
        kUsage);
  }
  auto how = writing("Syncing mailbox '%' failed");
  return run.each([&](UserMail& mail) {
    std::vector<std::string> emptied;
    mail.search(query, how, [&](UserMail::Found& found) {
      auto gone = found.box.expunge(found.uids);
      if (!gone) {
        mail.failed(
            fmt::format("Syncing mailbox '{}' failed", found.box.name()),
            gone.error());
        return;
      }
      auto synced = found.box.sync();
      if (run.has('d') && synced && found.box.count() == 0 &&
          found.box.name() != "INBOX") {
        emptied.push_back(found.box.name());
      }
    });
    for (const auto& name : emptied) {
      auto done = mail.storage.remove(name);
      if (!done) mail.failed("Can't delete mailbox " + name, done.error());
    }
  });
}

mailbox::FlagSet parse_flags(Context& context, std::string_view words) {
  mailbox::FlagSet out;
  for (auto word : split(words, " ")) {
    if (!word.starts_with('\\')) {
      out.keywords.emplace_back(word);
    } else if (auto flag = mailbox::flag_of(word)) {
      out.flags |= flag;
    } else if (!iequals(word, "\\Recent")) {
      context.fatal(fmt::format("Invalid system flag: {}", word));
    }
  }
  return out;
}

int change_flags(Context& context, Store::Action action) {
  MailRun run(context, "");
  const auto& words = run.words(2);
  Store change;
  change.action = action;
  change.what = parse_flags(context, words[0]);
  Query query = run.query(1);
  auto how = writing(kSyncFailed);
  return run.each([&](UserMail& mail) {
    mail.search(query, how, [&](UserMail::Found& found) {
      for (const auto& name : change.what.keywords) {
        if (mailbox::is_keyword(name)) continue;
        mail.error("Invalid keywords: Invalid characters in keyword",
                   kDataExists);
        return;
      }
      auto stored = found.box.store(found.uids, change);
      if (!stored) {
        mail.failed(
            fmt::format("Mailbox {}: Mailbox sync failed", found.box.name()),
            stored.error());
      }
    });
  });
}

int flags_add(Context& context) {
  return change_flags(context, Store::Action::Add);
}
int flags_remove(Context& context) {
  return change_flags(context, Store::Action::Remove);
}
int flags_replace(Context& context) {
  return change_flags(context, Store::Action::Replace);
}

int transfer(Context& context, bool move) {
  MailRun run(context, "");
  const auto& words = run.words(2);
  if (iequals(words[1], "user")) {
    context.fatal(fmt::format("doveadm {}: a source user is not built yet",
                              context.command));
  }
  Query query = run.query(1);
  // What is moved from is changed, what is copied from only read.
  auto how = writing(kSyncFailed);
  if (!move) how.mode = mailbox::OpenMode::ReadOnly;
  return run.each([&](UserMail& mail) {
    auto to = mail.storage.open_mailbox(words[0], mailbox::OpenMode::ReadWrite);
    if (!to) {
      mail.failed(fmt::format("Can't open mailbox '{}'", words[0]), to.error());
      return;
    }
    mail.search(query, how, [&](UserMail::Found& found) {
      auto done = move ? found.box.move(found.uids, **to)
                       : found.box.copy(found.uids, **to);
      if (!done) {
        mail.failed(fmt::format("Copying messages from '{}' to '{}' failed",
                                found.box.name(), words[0]),
                    done.error());
      }
    });
  });
}

int copy(Context& context) { return transfer(context, /*move=*/false); }
int move(Context& context) { return transfer(context, /*move=*/true); }

/// What makes a message the same as another: its Message-ID, or its GUID.
Result<std::string> identity_of(mailbox::Mailbox& box, uint32_t uid,
                                bool by_message_id) {
  if (!by_message_id) return box.message_guid(uid);
  mailview::OpenMessage open;
  auto facts = TRY(mailview::header_facts(open, box, uid));
  return std::string(facts.envelope.message_id.value_or(""));
}

int deduplicate(Context& context) {
  MailRun run(context, "m");
  Query query = run.query(0);
  bool by_message_id = run.has('m');
  auto how = writing("Syncing mailbox '%' failed");
  return run.each([&](UserMail& mail) {
    mail.search(query, how, [&](UserMail::Found& found) {
      std::set<std::string> seen;
      std::vector<uint32_t> doubles;
      for (uint32_t uid : found.uids) {
        auto identity = identity_of(found.box, uid, by_message_id);
        // Of a message without one nobody knows.
        if (!identity || identity->empty()) continue;
        if (!seen.insert(*identity).second) doubles.push_back(uid);
      }
      auto gone = found.box.expunge(doubles);
      if (!gone) {
        mail.failed(
            fmt::format("Syncing mailbox '{}' failed", found.box.name()),
            gone.error());
      }
    });
  });
}

}  // namespace

std::vector<Command> mail_change_commands() {
  return {{"expunge", expunge},
          {"flags add", flags_add},
          {"flags remove", flags_remove},
          {"flags replace", flags_replace},
          {"copy", copy},
          {"move", move},
          {"deduplicate", deduplicate}};
}

}  // namespace mail::doveadm
