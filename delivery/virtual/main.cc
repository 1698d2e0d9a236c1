// virtual(8): delivers to mailboxes of users who have no account: a table
// says where each one's mailbox is, and whose it is.
#include <fmt/format.h>

#include <ctime>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/config/postfix/params.h"
#include "common/daemon/tables.h"
#include "common/log/log.h"
#include "common/mailbox/maildir_writer.h"
#include "common/maps/address_find.h"
#include "common/mime/address.h"
#include "common/process/ids.h"
#include "common/queue/dsn_status.h"
#include "delivery/agent.h"
#include "delivery/copy.h"
#include "delivery/loops.h"

namespace mail::delivery {

namespace param = config::param;

namespace {

constexpr std::string_view kConfigError = "mail system configuration error";

class VirtualAgent : public Agent {
 protected:
  Result<> open_agent(daemon::Context& context) override {
    TRY(filter_status("virtual_delivery_status_filter",
                      settings().get(param::virtual_delivery_status_filter)));
    const auto& s = settings();
    base_ = s.get(param::virtual_mailbox_base);
    if (!base_.empty() && base_[0] != '/') {
      return fail(
          Fault::Config,
          fmt::format("bad virtual_mailbox_base: {}: must be absolute", base_));
    }
    host_ = s.get(param::myhostname);
    limit_ =
        static_cast<size_t>(std::max(0L, s.get(param::virtual_mailbox_limit)));
    minimum_uid_ = s.get(param::virtual_minimum_uid);
    locks_.attempts = static_cast<int>(s.get(param::deliver_lock_attempts));
    locks_.delay = s.get(param::deliver_lock_delay);
    locks_.stale = s.get(param::stale_lock_time);
    TRY(mailbox::set_lock_methods(locks_, s.get(param::virtual_mailbox_lock)));
    auto options = daemon::table_options(context);
    // A pattern's $1 comes with the mail: no path or id may be made of it.
    options.flags |= maps::flag::kNoRegsub | maps::flag::kNoUnauth;
    mailboxes_ = TRY(maps::Tables::open(
        "virtual_mailbox_maps", s.get(param::virtual_mailbox_maps), options));
    uids_ = TRY(maps::Tables::open("virtual_uid_maps",
                                   s.get(param::virtual_uid_maps), options));
    gids_ = TRY(maps::Tables::open("virtual_gid_maps",
                                   s.get(param::virtual_gid_maps), options));
    return {};
  }

  net::Task<ipc::Dsn> deliver(Request& request, Report& report) override {
    auto seen = delivered_to(request);
    for (const auto& recipient : request.recipients) {
      co_await deliver_one(request, report, recipient, seen);
    }
    co_return ipc::Dsn{};
  }

 private:
  using Keys = std::vector<maps::Key>;

  net::Task<> say(Report& report, const ipc::Recipient& recipient,
                  std::string_view status, std::string text) {
    auto outcome =
        report.outcome(recipient, std::string(status), std::move(text));
    outcome.relay = context().service;
    outcome.stats.deliver_done = queue::time_now();
    co_await report.by_status(std::move(outcome));
  }

  net::Task<> deliver_one(Request& request, Report& report,
                          const ipc::Recipient& recipient,
                          const std::vector<std::string>& seen) {
    const std::string& address = recipient.recipient;
    for (const auto& before : seen) {
      if (before != lower(mime::quote_local(address))) continue;
      co_await say(report, recipient, "5.4.6",
                   "mail forwarding loop for " + address);
      co_return;
    }
    Keys keys =
        maps::mailbox_keys(address, settings().get(param::recipient_delimiter));
    auto found = co_await mailboxes_.find_first(keys);
    if (!found) {
      co_await say(report, recipient, "4.3.5", std::string(kConfigError));
      co_return;
    }
    if (!*found) {
      co_await say(report, recipient, "5.1.1",
                   fmt::format("unknown user: \"{}\"", address));
      co_return;
    }
    std::string path = base_ + "/" + (*found)->value;
    auto uid = co_await id_of(uids_, keys, minimum_uid_);
    auto gid = co_await id_of(gids_, keys, 1);
    if (!uid || !gid) {
      co_await say(report, recipient, "4.3.5", std::string(kConfigError));
      co_return;
    }
    process::UserIds ids{static_cast<uid_t>(*uid), static_cast<gid_t>(*gid)};
    auto done =
        request.is_probe() ? Result<>() : write(request, recipient, path, ids);
    bool maildir = path.ends_with('/');
    if (done) {
      co_await say(report, recipient, "2.0.0",
                   maildir ? "delivered to maildir" : "delivered to mailbox");
      co_return;
    }
    std::string text =
        maildir ? fmt::format("maildir delivery failed: {}", done.error().what)
                : fmt::format("mailbox delivery failed: {}", done.error().what);
    co_await say(report, recipient,
                 queue::mailbox_status(done.error().sys, "4.2.0"),
                 std::move(text));
  }

  /// A positive number from a table; nullopt, with a warning, otherwise.
  net::Task<std::optional<long>> id_of(maps::Tables& tables, Keys keys,
                                       long minimum) {
    std::string address = keys.empty() ? "" : keys.front().text;
    auto found = co_await tables.find_first(std::move(keys));
    if (!found) co_return std::nullopt;
    if (!*found) {
      log::warning(fmt::format("recipient {}: not found in {}", address,
                               tables.title()));
      co_return std::nullopt;
    }
    auto id = parse_number<long>((*found)->value);
    if (!id || *id < minimum) {
      log::warning(fmt::format("recipient {}: bad id {} in {}", address,
                               (*found)->value, tables.title()));
      co_return std::nullopt;
    }
    co_return *id;
  }

  Result<> write(Request& request, const ipc::Recipient& recipient,
                 const std::string& path, process::UserIds ids) {
    bool maildir = path.ends_with('/');
    CopyOptions options;
    if (!maildir) {
      options.head = from_line(request.sender, time(nullptr));
      options.tail = "\n";
      options.quote_from = true;
    }
    options.head +=
        fmt::format("Return-Path: <{}>\n", mime::quote_local(request.sender));
    if (!recipient.original_recipient.empty()) {
      options.head +=
          fmt::format("X-Original-To: {}\n", recipient.original_recipient);
    }
    options.head += fmt::format("Delivered-To: {}\n",
                                mime::quote_local(recipient.recipient));
    MessageCopy copy(request, std::move(options));
    auto fill = [&](std::string& out) { return copy.fill(out); };
    std::optional<process::AsUser> as;
    if (!context().rootless) as.emplace(TRY(process::AsUser::become(ids)));
    if (maildir) {
      return mailbox::deliver_to_maildir(path, host_, fill, limit_);
    }
    auto writer = TRY(mailbox::MboxWriter::open(path, locks_, false));
    if (!S_ISREG(writer.info().st_mode)) {
      return fail(Fault::Permanent, "destination is not a regular file");
    }
    return writer.append(fill, limit_);
  }

  std::string base_, host_;
  size_t limit_ = 0;
  long minimum_uid_ = 100;
  mailbox::LockOptions locks_;
  maps::Tables mailboxes_, uids_, gids_;
};

}  // namespace

}  // namespace mail::delivery

int main(int argc, char** argv) {
  return mail::daemon::run(
      argc, argv,
      {.name = "virtual",
       .make = []() -> std::unique_ptr<mail::daemon::Service> {
         return std::make_unique<mail::delivery::VirtualAgent>();
       },
       .privileged = true,
       .profile = mail::process::Profile::ReadsMailbox,
       .clients = 1});
}
