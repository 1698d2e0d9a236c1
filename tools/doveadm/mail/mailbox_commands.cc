// doveadm mailbox list, create, delete, rename, subscribe, unsubscribe, path,
// mutf7.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "common/mailbox/name.h"
#include "common/mailbox/pattern.h"
#include "tools/doveadm/mail/run.h"

namespace mail::doveadm {

namespace {

int list(Context& context) {
  MailRun run(context, "78s");
  bool mutf7 = run.has('7');
  std::vector<std::string> patterns = run.words(0);
  bool all = patterns.empty();
  if (all) patterns.emplace_back("*");
  context.default_form(Printer::Form::Flow);
  run.columns({{"mailbox", "", true}});
  mailbox::ListOptions options;
  options.only_subscribed = run.has('s');
  options.return_children = false;
  return run.each([&](UserMail& mail) {
    auto entries = mail.storage.list("", {"*"}, options);
    if (!entries) {
      mail.failed("Listing mailboxes failed", entries.error());
      return;
    }
    std::stable_partition(entries->begin(), entries->end(),
                          [](const auto& e) { return e.name != "INBOX"; });
    auto show = [&](const std::string& name) {
      mail.row({mutf7 ? mailbox::to_mutf7(name) : name});
    };
    for (const auto& entry : *entries) {
      bool wanted = std::any_of(patterns.begin(), patterns.end(),
                                [&](const std::string& pattern) {
                                  return mailbox::matches_pattern(
                                      entry.name, pattern, entry.separator);
                                });
      if (wanted) show(entry.name);
    }
    // A name without wildcards is one, whether it is there or not.
    if (all || options.only_subscribed) return;
    for (const auto& pattern : patterns) {
      if (pattern.find_first_of("*%") != std::string::npos) continue;
      bool shown =
          std::any_of(entries->begin(), entries->end(), [&](const auto& e) {
            return mailbox::matches_pattern(e.name, pattern, e.separator);
          });
      if (!shown && patterns.size() == 1) show(pattern);
    }
  });
}

/// What a command does to each of the mailboxes it names, told in `verb`.
int each_name(
    Context& context, MailRun& run, std::string_view format,
    const std::function<Result<>(UserMail&, const std::string&)>& act) {
  const auto& names = run.words(1);
  (void)context;
  return run.each([&](UserMail& mail) {
    for (const auto& name : names) {
      auto done = act(mail, name);
      if (!done)
        mail.failed(fmt::format(fmt::runtime(format), name), done.error());
    }
  });
}

int create(Context& context) {
  MailRun run(context, "g:s");
  if (run.has('g')) {
    context.fatal("doveadm mailbox create: -g is not built yet");
  }
  bool subscribe = run.has('s');
  return each_name(context, run, "Can't create mailbox {}",
                   [&](UserMail& mail, const std::string& name) -> Result<> {
                     // A separator at the end: a place for others.
                     std::string plain = name;
                     if (plain.ends_with(mail.storage.separator()))
                       plain.pop_back();
                     TRY(mail.storage.create(plain));
                     if (subscribe) TRY(mail.storage.subscribe(plain));
                     return {};
                   });
}

Result<> remove_one(UserMail& mail, const std::string& name, bool only_empty,
                    bool unsubscribe) {
  if (only_empty) {
    auto status = TRY(mail.storage.status(name, /*with_size=*/false));
    if (status.messages > 0) {
      return fail(Fault::Permanent, "Mailbox isn't empty");
    }
  }
  TRY(mail.storage.remove(name));
  if (unsubscribe) TRY(mail.storage.unsubscribe(name));
  return {};
}

int remove(Context& context) {
  MailRun run(context, "ersZ");
  auto names = run.words(1);
  std::sort(names.begin(), names.end(), std::greater<>());  // children first
  return run.each([&](UserMail& mail) {
    for (const auto& name : names) {
      std::vector<std::string> all = {name};
      if (run.has('r')) {
        std::string below = name + mail.storage.separator() + "*";
        auto children = mail.names({below});
        if (!children) {
          mail.failed("Listing mailboxes failed", children.error());
          return;
        }
        all.insert(all.begin(), children->rbegin(), children->rend());
      }
      for (const auto& one : all) {
        auto done = remove_one(mail, one, run.has('e'), run.has('s'));
        if (!done) {
          mail.failed("Can't delete mailbox " + one, done.error());
        }
      }
    }
  });
}

int rename(Context& context) {
  MailRun run(context, "s");
  const auto& words = run.words(2);
  if (words.size() != 2) context.usage();
  return run.each([&](UserMail& mail) {
    auto act = [&]() -> Result<> {
      if (words[0] == words[1]) {
        return fail(Fault::Permanent, "Can't rename mailbox to itself.");
      }
      TRY(mail.storage.rename(words[0], words[1]));
      if (!run.has('s')) return {};
      TRY(mail.storage.unsubscribe(words[0]));
      return mail.storage.subscribe(words[1]);
    };
    auto done = act();
    if (!done) {
      mail.failed(
          fmt::format("Can't rename mailbox {} to {}", words[0], words[1]),
          done.error());
    }
  });
}

int subscribe(Context& context) {
  MailRun run(context, "");
  return each_name(context, run, "Can't {} mailbox subscribe to",
                   [](UserMail& mail, const std::string& name) {
                     return mail.storage.subscribe(
                         name, mailbox::Storage::Absent::Allow);
                   });
}

int unsubscribe(Context& context) {
  MailRun run(context, "");
  return each_name(context, run, "Can't {} mailbox unsubscribe from",
                   [](UserMail& mail, const std::string& name) {
                     return mail.storage.unsubscribe(name);
                   });
}

int path(Context& context) {
  MailRun run(context, "t:");
  const auto& words = run.words(1);
  using Type = mailbox::Storage::PathType;
  Type type = Type::Mailbox;
  std::string name = run.has('t') ? run.option('t') : "mailbox";
  bool none = name == "alt-mailbox";  // of dbox
  if (name == "control") {
    type = Type::Control;
  } else if (name == "index") {
    type = Type::Index;
  } else if (name != "mailbox" && !none) {
    context.usage();
  }
  context.default_form(Printer::Form::Flow);
  run.columns({{"path", "", true}});
  return run.each([&](UserMail& mail) {
    if (none) return;
    auto found = mail.storage.path(words[0], type);
    if (!found) {
      mail.failed("Failed to get path", found.error());
      return;
    }
    mail.row({*found});
  });
}

int mutf7(Context& context) {
  Options options(context, "78");
  bool from = false;
  while (int letter = options.next()) from = letter == '7';
  auto names = options.rest();
  if (names.empty()) context.usage();
  int status = kOk;
  for (const auto& name : names) {
    if (!from) {
      context.print(mailbox::to_mutf7(name) + "\n");
      continue;
    }
    if (auto utf8 = mailbox::from_mutf7(name)) {
      context.print(*utf8 + "\n");
    } else {
      context.error("Mailbox name not valid mUTF-7: " + name);
      status = kDataExists;
    }
  }
  return status;
}

}  // namespace

std::vector<Command> mailbox_commands() {
  return {
      {"mailbox list", list},           {"mailbox create", create},
      {"mailbox delete", remove},       {"mailbox rename", rename},
      {"mailbox subscribe", subscribe}, {"mailbox unsubscribe", unsubscribe},
      {"mailbox path", path},           {"mailbox mutf7", mutf7}};
}

}  // namespace mail::doveadm
