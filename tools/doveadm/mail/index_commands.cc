// doveadm index, force-resync, purge, altmove.
#include <fmt/format.h>

#include "common/base/number.h"
#include "common/mailview/part_text.h"
#include "tools/doveadm/mail/run.h"

namespace mail::doveadm {

namespace {

/// Has the mailbox's index know what clients ask for. How many messages it
/// did not know.
Result<size_t> index_box(mailbox::Mailbox& box) {
  size_t news = 0;
  mailview::OpenMessage open;
  for (uint32_t uid : box.uids()) {
    if (box.cached(uid, "headers") && box.cached(uid, "bodystructure")) {
      continue;
    }
    ++news;
    auto size = box.virtual_size(uid);
    auto envelope = mailview::envelope_text(open, box, uid);
    auto structure = mailview::structure_text(open, box, uid, true);
    auto preview = mailview::preview_text(open, box, uid);
    // One that has gone is no error.
    if (!structure && structure.error().fault != Fault::Permanent) {
      return fail(structure.error());
    }
  }
  return news;
}

void each_box(UserMail& mail, const std::string& mask,
              const std::function<Result<>(mailbox::Mailbox&)>& act) {
  auto names = mail.names({mask});
  if (!names) {
    mail.failed("Listing mailboxes failed", names.error());
    return;
  }
  for (const auto& name : *names) {
    auto one = [&]() -> Result<> {
      auto box =
          TRY(mail.storage.open_mailbox(name, mailbox::OpenMode::ReadWrite));
      TRY(box->sync());
      return act(*box);
    };
    auto done = one();
    if (!done) {
      mail.failed(fmt::format("Syncing mailbox {} failed", name), done.error());
    }
  }
}

int index(Context& context) {
  MailRun run(context, "n:q");
  const auto& words = run.words(1);
  std::optional<uint32_t> most;
  if (run.has('n')) {
    most = parse_number<uint32_t>(run.option('n'));
    if (!most) {
      context.fatal("Invalid -n parameter number: " + run.option('n'), kUsage);
    }
  }
  return run.each([&](UserMail& mail) {
    each_box(mail, words[0], [&](mailbox::Mailbox& box) -> Result<> {
      if (most && box.recent() > *most) return {};
      size_t news = TRY(index_box(box));
      if (context.verbose && news == 0) {
        mail.say("Info", box.name() + ": Cache is already up to date");
      } else if (context.verbose) {
        mail.say("Info", fmt::format("{}: Caching mails seq={}..{}", box.name(),
                                     1, box.count()));
      }
      return {};
    });
  });
}

int force_resync(Context& context) {
  MailRun run(context, "f");
  const auto& words = run.words(1);
  return run.each([&](UserMail& mail) {
    each_box(mail, words[0], [&](mailbox::Mailbox& box) -> Result<> {
      TRY(box.status(/*with_size=*/true));
      return {};
    });
  });
}

/// Maildir and mbox have nothing that waits to be purged, and no other store.
int nothing_to_do(Context& context, bool with_query) {
  MailRun run(context, with_query ? "r" : "");
  if (with_query) (void)run.query(0);
  return run.each([](UserMail&) {});
}
int purge(Context& context) { return nothing_to_do(context, false); }
int altmove(Context& context) { return nothing_to_do(context, true); }

}  // namespace

std::vector<Command> mail_index_commands() {
  return {{"index", index},
          {"force-resync", force_resync},
          {"purge", purge},
          {"altmove", altmove}};
}

}  // namespace mail::doveadm
