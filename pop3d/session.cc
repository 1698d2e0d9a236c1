#include "pop3d/session.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/config/dovecot/expand_variables.h"

namespace mail::pop3d {
namespace {

constexpr std::chrono::minutes kIdleTime{10};
constexpr size_t kPiece = 65536;
constexpr std::string_view kInternal =
    "[SYS/TEMP] Internal error occurred. Refer to server log for more "
    "information.";

net::Deadline soon() { return net::Deadline::in(kIdleTime); }

}  // namespace

Session::Session(mailbox::Registry& registry, net::Stream stream, Config config,
                 Log log)
    : registry_(registry),
      stream_(std::move(stream)),
      config_(std::move(config)),
      log_(std::move(log)) {}

net::Task<> Session::serve(Result<mailbox::UserSettings> settings,
                           std::string input) {
  bool opened = co_await open(std::move(settings));
  if (!opened) co_return;
  engine_ = std::make_unique<Engine>(config_.limits, *drop_);
  engine_->greet();
  co_await converse(std::move(input));
  if (auto saved = drop_->save_uidls(); !saved) {
    log_(log::Level::Error, saved.error().what);
  }
}

void Session::shut_down() {
  stopping_ = true;
  // The stream's next wait ends: the client is told, and then cut off.
  if (engine_ && stream_) {
    engine_->say_bye("[SYS/TEMP] Server shutting down.");
    stream_.write(engine_->pending());
    engine_->sent(engine_->pending().size());
    ::shutdown(stream_.fd(), SHUT_RD);
  }
}

net::Task<bool> Session::open(Result<mailbox::UserSettings> settings) {
  auto storage =
      settings
          ? mailbox::Storage::open(registry_, *settings)
          : Result<std::unique_ptr<mailbox::Storage>>(fail(settings.error()));
  if (!storage) {
    // As Dovecot: the login itself has succeeded.
    log_(log::Level::Error, storage.error().what);
    stream_.write("+OK Logged in.\r\n");
    auto sent = co_await stream_.flush(soon());
    (void)sent;
    log_end(storage.error().what);
    co_return false;
  }
  storage_ = std::move(*storage);
  auto mailbox = storage_->open_mailbox("INBOX", mailbox::OpenMode::ReadWrite);
  Result<> loaded;
  if (mailbox) {
    mailbox_ = std::move(*mailbox);
    drop_ = std::make_unique<MailboxDrop>(*mailbox_, config_);
    loaded = co_await drop_->load();
  } else {
    loaded = fail(mailbox.error());
  }
  if (loaded) co_return true;
  bool in_use = loaded.error().sys == EBUSY;
  log_(log::Level::Error,
       fmt::format("Couldn't open INBOX: {}", loaded.error().what));
  stream_.write(fmt::format(
      "-ERR {}\r\n",
      in_use ? std::string_view("[IN-USE] Timeout while waiting for lock")
             : kInternal));
  auto sent = co_await stream_.flush(soon());
  (void)sent;
  log_end("Mailbox init failed");
  co_return false;
}

net::Task<bool> Session::flush() {
  auto pending = engine_->pending();
  if (!pending.empty()) {
    stream_.write(pending);
    engine_->sent(pending.size());
  }
  auto sent = co_await stream_.flush(soon());
  co_return sent.has_value();
}

net::Task<> Session::converse(std::string input) {
  std::string_view left = input;
  while (true) {
    while (auto event = engine_->next_event()) {
      bool go_on = co_await on(std::move(*event));
      if (!go_on) co_return;
    }
    size_t taken = engine_->receive(left.empty() ? stream_.input() : left);
    if (left.empty()) {
      stream_.consume(taken);
    } else {
      left.remove_prefix(taken);
    }
    if (taken) continue;
    bool sent = co_await flush();
    if (!sent) co_return log_end("Connection closed");
    auto got = co_await stream_.fill(soon());
    if (stopping_) {
      bool told = co_await flush();
      (void)told;
      co_return log_end("Server shutting down.");
    }
    if (got && *got > 0) continue;
    if (!got && got.error().sys == ETIMEDOUT) {
      engine_->say_bye("Disconnected for inactivity.");
      bool told = co_await flush();
      (void)told;
      co_return log_end("Inactivity");
    }
    if (got) co_return log_end("Connection closed");
    co_return log_end(fmt::format("Connection closed: read() failed: {}",
                                  strerror(got.error().sys)));
  }
}

net::Task<bool> Session::on(Event event) {
  if (auto* what = std::get_if<Retrieve>(&event)) {
    bool whole = co_await retrieve(*what);
    if (!whole) log_end("Connection closed");
    co_return whole;
  }
  if (std::get_if<Reset>(&event)) {
    seen_.clear();
    co_return true;
  }
  std::string reason = "Logged out";
  if (auto* closed = std::get_if<Closed>(&event)) {
    reason = closed->reason;
  } else {
    auto updated = update();
    if (!updated) log_(log::Level::Error, updated.error().what);
    engine_->quit_done(updated.has_value(), kInternal);
  }
  bool sent = co_await flush();
  (void)sent;
  log_end(reason);
  co_return false;
}

net::Task<bool> Session::retrieve(Retrieve what) {
  uint32_t uid = drop_->uid(what.message);
  auto reader = mailbox_->open_message(uid);
  if (!reader) {
    if (reader.error().sys != ENOENT) {
      log_(log::Level::Error, reader.error().what);
    }
    engine_->gone();
    co_return true;
  }
  if (!what.lines) seen_.push_back(uid);
  engine_->begin_content();
  uint64_t offset = 0;
  std::string piece;
  while (true) {
    piece.clear();
    auto got = (*reader)->read(offset, kPiece, piece);
    if (!got) {
      log_(log::Level::Error, got.error().what);
      // Half a message must not look like a whole one.
      co_return false;
    }
    if (*got == 0) break;
    offset += *got;
    if (!engine_->content(piece)) break;
    if (engine_->pending().size() < kPiece) continue;
    bool sent = co_await flush();
    if (!sent) co_return false;
  }
  engine_->end_content();
  co_return true;
}

Result<> Session::update() {
  if (!config_.no_flag_updates && !seen_.empty()) {
    std::sort(seen_.begin(), seen_.end());
    seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
    mailbox::Store seen;
    seen.what.flags = mailbox::kSeen;
    seen.silent = true;
    TRY(mailbox_->store(seen_, seen));
  }
  std::vector<uint32_t> deleted;
  for (uint32_t i = 1; i <= drop_->count(); ++i) {
    if (engine_->is_deleted(i)) deleted.push_back(drop_->uid(i));
  }
  if (deleted.empty()) return {};
  if (!config_.flag_only) {
    TRY(mailbox_->expunge(deleted));
    return {};
  }
  mailbox::Store flag;
  flag.silent = true;
  if (config_.deleted_flag.empty()) {
    flag.what.flags = mailbox::kDeleted;
  } else {
    flag.what.keywords.push_back(config_.deleted_flag);
  }
  TRY(mailbox_->store(deleted, flag));
  return {};
}

std::string Session::statistics() const {
  Counters c;
  if (engine_) c = engine_->counters();
  std::string t[] = {fmt::format("{}", c.top_count),
                     fmt::format("{}", c.top_bytes),
                     fmt::format("{}", c.retr_count),
                     fmt::format("{}", c.retr_bytes),
                     fmt::format("{}", c.deleted_count),
                     fmt::format("{}", drop_ ? drop_->count() : 0),
                     fmt::format("{}", drop_ ? drop_->total_size() : 0),
                     fmt::format("{}", c.input),
                     fmt::format("{}", c.output),
                     fmt::format("{}", c.deleted_bytes)};
  config::dovecot::Variables v;
  v.list = {{'t', "top_count", t[0]},     {'p', "top_bytes", t[1]},
            {'r', "retr_count", t[2]},    {'b', "retr_bytes", t[3]},
            {'d', "deleted_count", t[4]}, {'m', "message_count", t[5]},
            {'s', "message_bytes", t[6]}, {'i', "input", t[7]},
            {'o', "output", t[8]},        {0, "deleted_bytes", t[9]},
            {'u', "uidl_change", ""}};
  return config::dovecot::expand_variables(config_.logout_format, v).text;
}

void Session::log_end(std::string_view reason) {
  if (std::exchange(ended_, true)) return;
  log_(log::Level::Info,
       fmt::format("Disconnected: {} {}", reason, statistics()));
}

}  // namespace mail::pop3d
