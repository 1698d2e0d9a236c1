// GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 2087).
#include <algorithm>

#include "common/imap/quote.h"
#include "common/mailbox/quota.h"
#include "imapd/command.h"

namespace mail::imapd {
namespace {

constexpr uint64_t kUnit = 1024;  // of STORAGE

void put_resource(std::string& out, std::string_view name, uint64_t used,
                  uint64_t limit) {
  if (out.back() != '(') out += ' ';
  out += name;
  out += ' ';
  imap::put_number(out, used);
  out += ' ';
  imap::put_number(out, limit);
}

void put_usage(std::string& out, const mailbox::QuotaRoot& root,
               const mailbox::Quota::Usage& usage) {
  out += "* QUOTA ";
  imap::put_string(out, root.name);
  out += " (";
  if (usage.limit.bytes) {
    put_resource(out, "STORAGE", (usage.used.bytes + kUnit - 1) / kUnit,
                 usage.limit.bytes / kUnit);
  }
  if (usage.limit.messages) {
    put_resource(out, "MESSAGE", usage.used.messages, usage.limit.messages);
  }
  out += ")\r\n";
}

Reply cannot_count(Session& session, const Error& error) {
  session.log(Severity::Error, "Failed to get quota: " + error.what);
  return Reply::no("Internal quota calculation error");
}

}  // namespace

net::Task<Reply> cmd_getquota(Session& session, const imap::Command& command) {
  if (command.args.empty()) co_return Reply::bad("Missing arguments");
  if (!command.args[0].is_astring()) co_return Reply::bad("Invalid arguments");
  mailbox::Quota* quota = session.storage().quota();
  if (quota) {
    for (const auto& root : quota->settings().roots) {
      if (root.name != command.args[0].text) continue;
      auto usage = quota->usage(root);
      if (!usage) co_return cannot_count(session, usage.error());
      put_usage(session.output(), root, *usage);
      co_return Reply::ok("Getquota completed");
    }
  }
  co_return Reply::no("Quota root doesn't exist");
}

net::Task<Reply> cmd_getquotaroot(Session& session,
                                  const imap::Command& command) {
  if (command.args.empty()) co_return Reply::bad("Missing arguments");
  if (!command.args[0].is_astring()) co_return Reply::bad("Invalid arguments");
  auto name = mailbox_name(command.args[0]);
  if (!name) co_return session.failure(name.error());
  std::string roots, usages;
  mailbox::Quota* quota = session.storage().quota();
  if (quota) {
    for (const mailbox::QuotaRoot* root : quota->roots_of(*name)) {
      auto usage = quota->usage(*root);
      if (!usage) co_return cannot_count(session, usage.error());
      if (!usage->limit.bytes && !usage->limit.messages) continue;
      roots += ' ';
      imap::put_string(roots, root->name);
      put_usage(usages, *root, *usage);
    }
  }
  if (roots.empty()) co_return Reply::ok("No quota");
  session.output() += "* QUOTAROOT ";
  imap::put_astring(session.output(), command.args[0].text);
  session.output() += roots + "\r\n" + usages;
  co_return Reply::ok("Getquotaroot completed");
}

net::Task<Reply> cmd_setquota(Session&, const imap::Command& command) {
  if (command.args.size() < 2) co_return Reply::bad("Missing arguments");
  // An administrator's dictionary (quota_set) is not built.
  co_return Reply::no("Quota can be changed only by admin");
}

}  // namespace mail::imapd
