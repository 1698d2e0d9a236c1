// doveadm search, fetch.
#include <fmt/format.h>

#include <cerrno>

#include "common/base/file.h"
#include "tools/doveadm/mail/fields.h"

namespace mail::doveadm {

namespace {

int search(Context& context) {
  MailRun run(context, "");
  Query query = run.query(0);
  context.default_form(Printer::Form::Flow);
  run.columns({{"mailbox-guid", "", true}, {"uid", "", true}});
  UserMail::Visit how;
  how.complaint = "Couldn't get mailbox '%' GUID";
  return run.each([&](UserMail& mail) {
    mail.search(query, how, [&](UserMail::Found& found) {
      for (uint32_t uid : found.uids) {
        mail.row({found.box.guid(), fmt::format("{}", uid)});
      }
    });
  });
}

/// One message's row. A message that has gone meanwhile is none.
void fetch_one(Fetched& message, const std::vector<FetchField>& fields) {
  std::vector<std::string> values;
  for (const auto& field : fields) {
    if (field.text &&
        message.mail.context.printer.form() == Printer::Form::Table) {
      message.mail.fatal("table formatter doesn't support multi-line values");
    }
    auto value = field.value(message);
    if (!value) {
      if (value.error().sys == ENOENT) return;
      message.mail.failed(
          fmt::format("fetch({}) failed for box={} uid={}", field.name,
                      message.box.name(), message.uid),
          value.error());
      return;
    }
    values.push_back(std::move(*value));
  }
  message.mail.row(std::move(values));
}

int fetch(Context& context) {
  MailRun run(context, "");
  const auto& words = run.words(2);
  auto fields = parse_fields(words[0]);
  if (!fields) {
    (void)write_all(STDERR_FILENO, available_fields() + "\n");
    context.fatal(fields.error().what);
  }
  Query query = run.query(1);
  context.default_form(Printer::Form::Pager);
  std::vector<Printer::Column> columns;
  for (const auto& field : *fields) {
    columns.push_back({field.name, "", false, field.text});
  }
  run.columns(std::move(columns));
  UserMail::Visit how;
  how.missing = UserMail::Missing::Skip;
  return run.each([&](UserMail& mail) {
    mail.search(query, how, [&](UserMail::Found& found) {
      mailview::OpenMessage open;
      for (uint32_t uid : found.uids) {
        Fetched message{mail, found.box, uid, open};
        if (!fields->empty()) fetch_one(message, *fields);
      }
    });
  });
}

}  // namespace

std::vector<Command> mail_read_commands() {
  return {{"search", search}, {"fetch", fetch}};
}

}  // namespace mail::doveadm
