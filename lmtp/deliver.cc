#include "lmtp/deliver.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/ascii.h"
#include "common/config/dovecot/expand_variables.h"
#include "common/daemon/service.h"
#include "common/login/public_text.h"

namespace mail::lmtp {
namespace {

namespace setting = config::dovecot::setting;

constexpr size_t kPiece = 256 * 1024;
constexpr size_t kMostKnown = 256;

Outcome::Kind kind_of(const Error& error) {
  if (error.sys == EDQUOT) return Outcome::Kind::Quota;
  return error.fault == Fault::Permanent ? Outcome::Kind::Permanent
                                         : Outcome::Kind::Temporary;
}

std::string log_text(const Delivery& d, std::string_view message) {
  std::string size = fmt::format("{}", d.headers.size() + d.content.size);
  std::string id = d.message_id.empty() ? "unspecified" : d.message_id;
  config::dovecot::Variables v;
  v.list = {{'$', "", message},
            {'m', "msgid", id},
            {'s', "subject", d.subject},
            {'f', "from", d.from},
            {'e', "from_envelope", d.sender},
            {'p', "size", size},
            {'w', "vsize", size},
            {0, "to_envelope", d.address},
            {0, "session", d.user.session}};
  return config::dovecot::expand_variables(
             d.user.settings->get(setting::deliver_log_format), v)
      .text;
}

}  // namespace

Result<std::string> Content::beginning(size_t most) const {
  if (fd < 0) return std::string(bytes.substr(0, most));
  std::string out(std::min<uint64_t>(most, size), '\0');
  ssize_t n = ::pread(fd, out.data(), out.size(), 0);
  if (n < 0) return fail_errno("pread", errno);
  out.resize(static_cast<size_t>(n));
  return out;
}

/// A user's storage. Shared by deliveries that run at the same time.
struct Deliverer::Known {
  config::dovecot::SettingsPtr settings;
  std::string location;
  std::unique_ptr<mailbox::Storage> storage;
};

Result<Deliverer::Known*> Deliverer::known(const Delivery& delivery) {
  auto settings = TRY(login::storage_settings(delivery.user));
  std::string location = settings.owner.home + '\0' + settings.mail_location;
  auto& place = known_[delivery.user.name];
  if (place && place->location == location &&
      place->settings == delivery.user.settings) {
    return place.get();
  }
  if (known_.size() > kMostKnown) {
    auto name = delivery.user.name;
    std::erase_if(known_, [&](auto& item) { return item.first != name; });
  }
  auto log = delivery.log;
  settings.log = [log](mailbox::UserSettings::Severity severity,
                       std::string_view text) {
    using Severity = mailbox::UserSettings::Severity;
    log(severity == Severity::Info      ? log::Level::Info
        : severity == Severity::Warning ? log::Level::Warning
                                        : log::Level::Error,
        text);
  };
  auto made = std::make_shared<Known>();
  made->settings = delivery.user.settings;
  made->location = std::move(location);
  made->storage = TRY(mailbox::Storage::open(registry_, std::move(settings)));
  auto& again = known_[delivery.user.name];
  again = std::move(made);
  return again.get();
}

Result<Deliverer::SavingPtr> Deliverer::begin(Known& known,
                                              const Delivery& delivery,
                                              const std::string& name) {
  auto& storage = *known.storage;
  auto started = storage.save(name, mailbox::Uids::Later);
  const auto& settings = *delivery.user.settings;
  if (!started && started.error().sys == ENOENT &&
      settings.get(setting::lda_mailbox_autocreate)) {
    TRY(storage.create(name));
    if (settings.get(setting::lda_mailbox_autosubscribe)) {
      TRY(storage.subscribe(name));
    }
    started = storage.save(name, mailbox::Uids::Later);
  }
  if (!started) return fail(std::move(started.error()));
  SavingPtr saving = std::move(*started);
  return saving;
}

net::Task<Result<>> Deliverer::save(SavingPtr saving,
                                    const Delivery* delivery) {
  mailbox::SaveOptions options;
  options.envelope_sender = delivery->sender;
  CO_TRY(saving->begin(options));
  CO_TRY(saving->write(delivery->headers));
  const Content& content = delivery->content;
  if (content.fd < 0) {
    CO_TRY(saving->write(content.bytes));
  } else {
    std::string piece;
    for (uint64_t at = 0; at < content.size; at += piece.size()) {
      piece.resize(std::min<uint64_t>(kPiece, content.size - at));
      ssize_t n = ::pread(content.fd, piece.data(), piece.size(),
                          static_cast<off_t>(at));
      if (n <= 0) co_return fail_errno("pread", n < 0 ? errno : EIO);
      piece.resize(static_cast<size_t>(n));
      CO_TRY(saving->write(piece));
    }
  }
  CO_TRY(saving->end());
  std::function<Result<>()> sync = [saving] { return saving->sync(); };
  auto synced = co_await daemon::run_blocking(std::move(sync));
  CO_CHECK(synced);
  CO_TRY(saving->commit());
  std::function<Result<>()> settle = [saving] { return saving->settle(); };
  auto settled = co_await daemon::run_blocking(std::move(settle));
  co_return settled;
}

net::Task<Outcome> Deliverer::deliver(Delivery delivery) {
  Outcome outcome;
  auto& log = delivery.log;
  std::string name = delivery.mailbox.empty() ? "INBOX" : delivery.mailbox;
  auto failed = [&](const Error& error, std::string_view doing) {
    outcome.kind = kind_of(error);
    outcome.text = login::public_text(error);
    if (outcome.kind == Outcome::Kind::Temporary) {
      log(log::Level::Error, error.what);
    }
    log(log::Level::Info, log_text(delivery, fmt::format("save failed to {} {}",
                                                         doing, outcome.text)));
  };
  auto found = known(delivery);
  if (!found) {
    failed(found.error(), "open mailbox INBOX:");
    co_return outcome;
  }
  // Kept while it is used, whatever others do to the table meanwhile.
  auto keep = known_[delivery.user.name];
  auto saving = begin(**found, delivery, name);
  if (!saving && !iequals(name, "INBOX")) {
    log(log::Level::Info,
        log_text(delivery,
                 fmt::format("save failed to open mailbox {}: {}", name,
                             login::public_text(saving.error()))));
    name = "INBOX";
    saving = begin(**found, delivery, name);
  }
  if (!saving) {
    failed(saving.error(), fmt::format("open mailbox {}:", name));
    co_return outcome;
  }
  auto saved = co_await save(*saving, &delivery);
  if (!saved) {
    failed(saved.error(), fmt::format("{}:", name));
    co_return outcome;
  }
  log(log::Level::Info,
      log_text(delivery, fmt::format("saved mail to {}", name)));
  outcome.kind = Outcome::Kind::Saved;
  outcome.mailbox = name;
  co_return outcome;
}

}  // namespace mail::lmtp
