// doveadm mailbox status, metadata.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/base/ascii.h"
#include "tools/doveadm/mail/run.h"

namespace mail::doveadm {

namespace {

/// In the order of the answer.
constexpr std::array<std::string_view, 9> kFields = {
    "messages",      "recent", "uidnext", "uidvalidity", "unseen",
    "highestmodseq", "vsize",  "guid",    "firstsaved"};
constexpr size_t kMessages = 0, kRecent = 1, kUnseen = 4, kSize = 6,
                 kFirstSaved = 8;

bool can_be_summed(size_t field) {
  return field == kMessages || field == kRecent || field == kUnseen ||
         field == kSize;
}

struct Columns {
  std::array<bool, kFields.size()> fields{};
  bool sums = false;
  std::vector<Printer::Column> columns() const {
    std::vector<Printer::Column> out;
    if (!sums) out.push_back({"mailbox", "", true});
    for (size_t i = 0; i < kFields.size(); ++i) {
      if (fields[i]) out.push_back({std::string(kFields[i])});
    }
    return out;
  }
};

Columns parse(Context& context, std::string_view words, bool sums) {
  Columns out;
  out.sums = sums;
  for (auto word : split(words, " ")) {
    bool known = word == "all";
    for (size_t i = 0; i < kFields.size(); ++i) {
      if (word == "all") {
        out.fields[i] = !sums || can_be_summed(i);
      } else if (word == kFields[i]) {
        known = out.fields[i] = true;
      }
    }
    if (!known) {
      context.fatal(fmt::format("Unknown status field: {}", word), kUsage);
    }
  }
  bool any = false;
  for (size_t i = 0; i < kFields.size(); ++i) {
    any |= out.fields[i];
    if (!out.fields[i] || !sums || can_be_summed(i)) continue;
    context.fatal(
        fmt::format("Status field {} can't be used with -t", kFields[i]),
        kUsage);
  }
  if (!any) context.fatal("No status fields", kUsage);
  return out;
}

/// The oldest save date of the mailbox.
Result<std::string> first_saved(UserMail& mail, const std::string& name) {
  auto box = TRY(mail.storage.open_mailbox(name, mailbox::OpenMode::ReadOnly));
  TRY(box->sync());
  if (box->count() == 0) return std::string("never");
  int64_t first = INT64_MAX;
  for (uint32_t uid : box->uids()) {
    auto date = box->save_date(uid);
    if (date) first = std::min(first, *date);
  }
  return fmt::format("{}", first);
}

std::vector<std::string> values_of(const Columns& wanted,
                                   const mailbox::Status& s,
                                   const std::string& saved) {
  const std::array<std::string, kFields.size()> all = {
      fmt::format("{}", s.messages),
      fmt::format("{}", s.recent),
      fmt::format("{}", s.uidnext),
      fmt::format("{}", s.uidvalidity),
      fmt::format("{}", s.unseen),
      fmt::format("{}", s.highest_modseq),
      fmt::format("{}", s.size),
      s.guid,
      saved};
  std::vector<std::string> out;
  for (size_t i = 0; i < all.size(); ++i) {
    if (wanted.fields[i]) out.push_back(all[i]);
  }
  return out;
}

void status_of_user(UserMail& mail, const Columns& wanted,
                    const std::vector<std::string>& patterns) {
  std::vector<std::string> names = patterns;
  bool literal = patterns.size() == 1 &&
                 patterns[0].find_first_of("*%") == std::string::npos;
  if (!literal) {
    auto listed = mail.names(patterns);
    if (!listed) {
      mail.failed("Listing mailboxes failed", listed.error());
      return;
    }
    names = std::move(*listed);
  }
  mailbox::Status sums;
  for (const auto& name : names) {
    auto status = mail.storage.status(name, wanted.fields[kSize]);
    Result<std::string> saved("never");
    if (status && wanted.fields[kFirstSaved]) saved = first_saved(mail, name);
    if (!status || !saved) {
      mail.failed(
          fmt::format("Mailbox {}: Failed to lookup mailbox status", name),
          status ? saved.error() : status.error());
      continue;
    }
    if (!wanted.sums) {
      auto values = values_of(wanted, *status, *saved);
      values.insert(values.begin(), name);
      mail.row(std::move(values));
    }
    sums.messages += status->messages;
    sums.recent += status->recent;
    sums.unseen += status->unseen;
    sums.size += status->size;
  }
  if (wanted.sums) mail.row(values_of(wanted, sums, ""));
}

int status(Context& context) {
  MailRun run(context, "t");
  const auto& words = run.words(2);
  Columns wanted = parse(context, words[0], run.has('t'));
  std::vector<std::string> patterns(words.begin() + 1, words.end());
  context.default_form(Printer::Form::Flow);
  run.columns(wanted.columns());
  return run.each(
      [&](UserMail& mail) { status_of_user(mail, wanted, patterns); });
}

/// Attributes need mail_attribute_dict, which is not built: as the original
/// answers without it.
int metadata(Context& context, std::string_view what, size_t words_needed) {
  MailRun run(context, "s");
  const auto& words = run.words(words_needed);
  if (words.size() > 1 && !words[1].starts_with("/private/") &&
      !words[1].starts_with("/shared/")) {
    context.fatal(fmt::format("Invalid metadata key '{}': Must begin with "
                              "/private or /shared",
                              words[1]),
                  kUsage);
  }
  return run.each([&](UserMail& mail) {
    auto box = mail.storage.open_mailbox(words[0], mailbox::OpenMode::ReadOnly);
    mail.failed(fmt::format("Failed to {} attribute", what),
                box ? Error{Fault::Permanent, "Mailbox attributes not enabled"}
                    : box.error());
  });
}

int metadata_get(Context& context) { return metadata(context, "get", 2); }
int metadata_set(Context& context) { return metadata(context, "set", 3); }
int metadata_unset(Context& context) { return metadata(context, "set", 2); }

}  // namespace

std::vector<Command> mailbox_status_commands() {
  return {{"mailbox status", status},
          {"mailbox metadata get", metadata_get},
          {"mailbox metadata set", metadata_set},
          {"mailbox metadata unset", metadata_unset}};
}

}  // namespace mail::doveadm
