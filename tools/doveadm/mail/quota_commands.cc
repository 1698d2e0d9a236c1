// doveadm quota get, recalc: of the plugin quota.
#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/mailbox/quota.h"
#include "tools/doveadm/mail/run.h"

namespace mail::doveadm {

namespace {

constexpr uint64_t kUnit = 1024;  // of STORAGE

/// Ends the run if there is nothing to look at.
mailbox::Quota* quota_of(UserMail& mail) {
  mailbox::Quota* quota = mail.storage.quota();
  if (quota && !quota->settings().roots.empty()) return quota;
  mail.error("Quota not enabled", kNotFound);
  return nullptr;
}

void show(UserMail& mail, const std::string& root, const char* type,
          uint64_t used, uint64_t limit, uint64_t unit) {
  mail.row({root, type, fmt::format("{}", (used + unit - 1) / unit),
            limit ? fmt::format("{}", limit / unit) : "-",
            limit ? fmt::format("{}", (used + unit - 1) / unit * 100 /
                                          std::max<uint64_t>(limit / unit, 1))
                  : "0"});
}

int get(Context& context) {
  MailRun run(context, "");
  context.default_form(Printer::Form::Table);
  run.columns({{"root", "Quota name"},
               {"type", "Type"},
               {"value", "Value"},
               {"limit", "Limit"},
               {"percent", "%"}});
  return run.each([](UserMail& mail) {
    mailbox::Quota* quota = quota_of(mail);
    if (!quota) return;
    for (const auto& root : quota->settings().roots) {
      auto usage = quota->usage(root);
      if (!usage) {
        mail.failed("Failed to get quota resource STORAGE", usage.error());
        for (const char* type : {"STORAGE", "MESSAGE"}) {
          mail.row({root.name, type, "error", "error", "error"});
        }
        continue;
      }
      show(mail, root.name, "STORAGE", usage->used.bytes, usage->limit.bytes,
           kUnit);
      show(mail, root.name, "MESSAGE", usage->used.messages,
           usage->limit.messages, 1);
    }
  });
}

int recalc(Context& context) {
  MailRun run(context, "");
  return run.each([](UserMail& mail) {
    mailbox::Quota* quota = quota_of(mail);
    if (!quota) return;
    for (const auto& root : quota->settings().roots) {
      auto done = quota->recalculate(root);
      if (!done) mail.failed("Recalculating quota failed", done.error());
    }
  });
}

}  // namespace

std::vector<Command> quota_commands() {
  return {{"quota get", get}, {"quota recalc", recalc}};
}

}  // namespace mail::doveadm
