#include "imapd/session.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>

#include "common/imap/quote.h"
#include "imapd/capability.h"
#include "imapd/command.h"
#include "imapd/deflate.h"
#include "imapd/failure.h"

namespace mail::imapd {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdleLimit = 30min;
constexpr auto kWriteLimit = 5min;
constexpr auto kShare = 10ms;
constexpr unsigned kMaxBadCommands = 20;

/// Milliseconds, rounded up, as "0.001".
std::string seconds_text(Duration span) {
  auto us = std::chrono::duration_cast<std::chrono::microseconds>(span).count();
  auto ms = us <= 0 ? 0 : (us + 999) / 1000;
  return fmt::format("{}.{:03}", ms / 1000, ms % 1000);
}

}  // namespace

Reply Reply::ok(std::string text, Sync sync) {
  return {Kind::Ok, std::move(text), sync, false};
}
Reply Reply::no(std::string text, Sync sync) {
  return {Kind::No, std::move(text), sync, false};
}
Reply Reply::bad(std::string text) {
  return {Kind::Bad, std::move(text), Sync::None, false};
}

Session::Session(mailbox::Registry& registry, net::Stream stream,
                 Account account, Log log)
    : registry_(registry),
      stream_(std::move(stream)),
      account_(std::move(account)),
      log_(std::move(log)),
      engine_(imap::ServerEngine::Limits{account_.config.max_line_length,
                                         account_.config.literal_minus}),
      last_ended_(Clock::now()) {}

Session::~Session() = default;

net::Task<bool> Session::flush() {
  if (stream_.output().empty()) co_return true;
  statistics_.output += stream_.output().size();
  Instant before = Clock::now();
  auto sent = co_await stream_.flush(net::Deadline::in(kWriteLimit));
  command_waited_ += Clock::now() - before;
  if (sent) co_return true;
  if (!ending_) {
    reason_ = sent.error().sys == EPIPE || sent.error().sys == ECONNRESET
                  ? "Connection closed"
                  : "Connection closed: " + sent.error().what;
  }
  ending_ = true;
  stream_.output().clear();
  co_return false;
}

net::Task<bool> Session::breathe() {
  if (ending_) co_return false;
  if (stream_.output().size() < kGathered) {
    if (Clock::now() - last_shared_ < kShare) co_return true;
    last_shared_ = Clock::now();
    co_await net::yield();
    co_return true;
  }
  bool alive = co_await flush();
  co_return alive;
}

net::Task<> Session::share() {
  if (Clock::now() - last_shared_ < kShare) co_return;
  co_await net::yield();
  last_shared_ = Clock::now();
}

net::Task<std::optional<imap::Event>> Session::next_event() {
  while (!ending_) {
    std::string_view input = stream_.input();
    auto event = engine_.next(input);
    stream_.output() += engine_.take_pending();
    // An AppendBytes event looks into the input: the caller consumes it.
    if (event && std::holds_alternative<imap::AppendBytes>(*event)) {
      co_return event;
    }
    size_t used = engine_.consumed();
    stream_.consume(used);
    if (event) co_return event;
    if (used) continue;
    if (shutting_down_) break;
    bool alive = co_await flush();
    if (!alive) break;
    Instant before = Clock::now();
    auto got = co_await stream_.fill(net::Deadline::in(kIdleLimit));
    command_waited_ += Clock::now() - before;
    if (got && *got > 0) {
      statistics_.input += *got;
      continue;
    }
    if (!got && got.error().sys == ETIMEDOUT) {
      disconnect("Disconnected for inactivity.",
                 "Inactivity - no input for 1800 secs");
    } else if (!ending_) {
      ending_ = true;
      reason_ = "Connection closed" + status_text();
      if (!got && got.error().sys != ECONNRESET) {
        reason_ = "Connection closed: " + got.error().what + status_text();
      }
    }
  }
  if (shutting_down_ && !ending_) {
    disconnect("Server shutting down.", "Server shutting down.");
  }
  co_return std::nullopt;
}

void Session::shut_down() {
  shutting_down_ = true;
  changed_.notify_all();
}

void Session::disconnect(std::string bye, std::string reason) {
  if (ending_) return;
  output() += "* BYE " + bye + "\r\n";
  ending_ = true;
  reason_ = std::move(reason);
}

std::string Session::capability() const {
  return capability_text(config(), *storage_);
}

void Session::write_greeting(const Start& start) {
  std::string& out = output();
  std::string caps = capability();
  if (start.preauthenticated) {
    out += "* PREAUTH [CAPABILITY " + caps + "] Logged in as " + account_.user +
           "\r\n";
  } else if (start.untagged_capability) {
    out += "* CAPABILITY " + caps + "\r\n" + start.tag + " OK Logged in\r\n";
  } else {
    out += start.tag + " OK [CAPABILITY " + caps + "] Logged in\r\n";
  }
}

net::Task<> Session::serve(Start start) {
  statistics_.input += start.input.size();
  auto storage = mailbox::Storage::open(registry_, account_.mail);
  if (!storage) {
    log_(Severity::Error, storage.error().what);
    if (!start.preauthenticated) {
      output() += start.tag + " OK Logged in, but initialization failed.\r\n";
    }
    disconnect(
        "Internal error occurred. Refer to server log for more information.",
        storage.error().what);
    co_await flush();
    co_return;
  }
  storage_ = std::move(*storage);
  if (!config().unbuilt_workarounds.empty()) {
    log_(Severity::Warning, "imap_client_workarounds: not built, ignored: " +
                                config().unbuilt_workarounds);
  }
  write_greeting(start);
  if (!start.input.empty()) stream_.unread(start.input);
  co_await run();
  co_await flush();
  message_.close();
  unselect();
  log_(Severity::Info, "Disconnected: " + reason_ + " " + logout_text());
}

net::Task<> Session::run() {
  while (!ending_) {
    auto event = co_await next_event();
    if (!event) break;
    if (command_began_ == Instant()) command_began_ = Clock::now();
    co_await handle(std::move(*event));
  }
}

void Session::bad_line(const imap::BadCommand& bad) {
  std::string text = "Error in IMAP ";
  if (bad.where == imap::BadCommand::Where::Tag) {
    text += "tag: ";
  } else if (bad.name.empty()) {
    text += "command: ";
  } else {
    text += "command " + bad.name + ": ";
  }
  write_reply(bad.tag, Reply::bad(text + bad.what));
}

net::Task<> Session::handle(imap::Event event) {
  command_began_ = last_shared_ = Clock::now();
  command_waited_ = {};
  if (auto* command = std::get_if<imap::Command>(&event)) {
    co_await run_command(std::move(*command));
  } else if (auto* bad = std::get_if<imap::BadCommand>(&event)) {
    bad_line(*bad);
  } else if (auto* fatal = std::get_if<imap::Fatal>(&event)) {
    disconnect(fatal->what, fatal->what);
  } else if (auto* append = std::get_if<imap::AppendMessage>(&event)) {
    last_command_ = "append";
    std::string tag = append->tag;
    Reply reply = co_await run_append(*this, std::move(*append));
    co_await finish_command(std::move(tag), std::move(reply));
  }
  last_ended_ = Clock::now();
}

net::Task<> Session::run_command(imap::Command command) {
  const CommandEntry* entry = find_command(command.name, config());
  if (!entry) {
    last_command_.clear();
    write_reply(command.tag, Reply::bad("Error in IMAP command " +
                                        command.name + ": Unknown command"));
    co_return;
  }
  last_command_ = lower(command.name);
  std::string tag = command.tag;
  bool copies =
      command.name.ends_with("COPY") || command.name.ends_with("MOVE");
  if (copies && command.args.size() < 2) {
    write_reply(tag, Reply::bad("Error in IMAP command " + command.name +
                                ": Missing arguments"));
    co_return;
  }
  if (entry->needs_mailbox && !selected_) {
    write_reply(tag, Reply::bad("No mailbox selected"));
    co_return;
  }
  std::string name = command.name;
  Reply reply = co_await entry->run(*this, command);
  if (reply.kind == Reply::Kind::Bad && !reply.text.starts_with("Expected")) {
    reply.text = "Error in IMAP command " + name + ": " + reply.text;
  }
  co_await finish_command(std::move(tag), std::move(reply));
}

net::Task<> Session::finish_command(std::string tag, Reply reply) {
  if (ending_ && reply.text.empty()) co_return;
  if (reply.sync != Reply::Sync::None && selected_) {
    size_t gone = told_vanished_;
    if (!sync(reply.sync, reply.uids)) co_return;
    // RFC 7162, 3.2.10: a reply behind VANISHED says where the client stands.
    if (told_vanished_ != gone && !reply.text.starts_with('[')) {
      reply.text = fmt::format("[HIGHESTMODSEQ {}] {}",
                               selected_->highest_modseq(), reply.text);
    }
  }
  write_reply(tag, reply);
  bool alive = co_await breathe();
  if (!alive || !compression_due_) co_return;
  compression_due_ = false;
  alive = co_await flush();
  if (alive) {
    stream_.set_filter(make_deflate_filter(nullptr, config().compress_level));
  }
}

std::string Session::time_text() {
  Duration all = Clock::now() - command_began_;
  Duration waited = std::min(command_waited_, all);
  return " (" + seconds_text(all - waited) + " + " + seconds_text(waited) +
         " secs).";
}

void Session::write_reply(std::string_view tag, const Reply& reply) {
  static constexpr std::string_view kWords[] = {" OK ", " NO ", " BAD "};
  std::string_view text = reply.text;
  if (text.ends_with('.')) text.remove_suffix(1);
  std::string& out = output();
  out += tag;
  out += kWords[static_cast<size_t>(reply.kind)];
  out += text;
  out += time_text();
  out += "\r\n";
  if (reply.kind != Reply::Kind::Bad) {
    bad_commands_ = 0;
  } else if (text.starts_with("Error in IMAP") &&
             ++bad_commands_ >= kMaxBadCommands) {
    disconnect("Too many invalid IMAP commands.",
               "Too many invalid IMAP commands.");
  }
}

void Session::select(std::unique_ptr<mailbox::Mailbox> mailbox,
                     std::string name) {
  message_.close();
  saved_search_.clear();
  selected_ = std::move(mailbox);
  selected_name_ = std::move(name);
  told_messages_ = selected_->count();
  told_recent_ = selected_->recent();
}

void Session::unselect() {
  message_.close();
  saved_search_.clear();
  selected_.reset();
  selected_name_.clear();
}

void Session::enable_condstore(bool tell) {
  if (condstore_) return;
  condstore_ = true;
  if (tell && selected_) {
    output() += fmt::format("* OK [HIGHESTMODSEQ {}] Highest\r\n",
                            selected_->highest_modseq());
  }
}

void Session::append_flags(const mailbox::Message& message) {
  std::string& out = output();
  out += "FLAGS (";
  size_t begin = out.size();
  auto add = [&](std::string_view name) {
    if (out.size() != begin) out += ' ';
    out += name;
  };
  for (std::string_view name : mailbox::FlagNames(message.flags)) add(name);
  if (message.recent) add("\\Recent");
  const auto& keywords = selected_->keywords();
  for (size_t i = 0; i < keywords.size(); ++i) {
    if (message.keywords >> i & 1) add(keywords[i]);
  }
  out += ')';
}

void Session::tell_flags() {
  std::string names;
  for (const std::string& name : selected_->keywords()) {
    if (!name.empty()) names += " " + name;
  }
  constexpr std::string_view kSystem =
      "\\Answered \\Flagged \\Deleted \\Seen \\Draft";
  std::string& out = output();
  out += fmt::format("* FLAGS ({}{})\r\n", kSystem, names);
  if (selected_->read_only()) {
    out += "* OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n";
  } else {
    out += fmt::format("* OK [PERMANENTFLAGS ({}{}{})] Flags permitted.\r\n",
                       kSystem, names,
                       selected_->can_add_keywords() ? " \\*" : "");
  }
}

void Session::write_expunges(const mailbox::Changes& changes) {
  if (changes.expunged.empty()) return;
  std::string& out = output();
  if (qresync_) {
    imap::SequenceSet uids;
    for (const auto& e : changes.expunged) uids.add(e.uid);
    out += "* VANISHED " + uids.text() + "\r\n";
    ++told_vanished_;
  } else {
    for (size_t i = changes.expunged.size(); i-- > 0;) {
      out += "* ";
      imap::put_number(out, changes.expunged[i].seq);
      out += " EXPUNGE\r\n";
    }
  }
  for (const auto& e : changes.expunged) saved_search_.erase(e.uid);
}

void Session::write_flag_changes(const mailbox::Changes& changes, bool uids) {
  std::string& out = output();
  for (uint32_t uid : changes.flags) {
    uint32_t seq = selected_->seq(uid);
    auto message = selected_->find(uid);
    if (!seq || !message) continue;
    out += "* ";
    imap::put_number(out, seq);
    out += " FETCH (";
    if (uids || qresync_) {
      out += "UID ";
      imap::put_number(out, uid);
      out += ' ';
    }
    if (condstore_) {
      out += "MODSEQ (";
      imap::put_number(out, message->modseq);
      out += ") ";
    }
    append_flags(*message);
    out += ")\r\n";
  }
}

bool Session::sync(Reply::Sync how, bool uids) {
  auto changes = selected_->sync(how == Reply::Sync::HoldExpunges
                                     ? mailbox::Mailbox::Expunges::Hold
                                     : mailbox::Mailbox::Expunges::Tell);
  if (!changes) {
    if (changes.error().sys == ENOENT) {
      disconnect("Selected mailbox was deleted, have to disconnect.",
                 "Selected mailbox was deleted, have to disconnect.");
    } else {
      log_(Severity::Error, changes.error().what);
      disconnect("IMAP session state is inconsistent, please relogin.",
                 "IMAP session state is inconsistent, please relogin.");
    }
    return false;
  }
  if (changes->keywords) tell_flags();
  // The numbers of changed messages are those of the view without the
  // expunged ones.
  write_expunges(*changes);
  write_flag_changes(*changes, uids);
  std::string& out = output();
  if (selected_->count() > told_messages_ - changes->expunged.size()) {
    out += fmt::format("* {} EXISTS\r\n", selected_->count());
  }
  told_messages_ = selected_->count();
  if (selected_->recent() != told_recent_) {
    told_recent_ = selected_->recent();
    out += fmt::format("* {} RECENT\r\n", told_recent_);
  }
  return true;
}

Reply Session::failure(const Error& error, std::string_view prefix) {
  return failure_reply(*this, error, prefix);
}

std::string Session::status_text() const {
  if (last_command_.empty()) {
    return " (No commands sent)";
  }
  return fmt::format(" ({} finished {} secs ago)", last_command_,
                     seconds_text(Clock::now() - last_ended_));
}

std::string Session::logout_text() const {
  const Statistics& s = statistics_;
  const std::pair<std::string_view, uint64_t> numbers[] = {
      {"%{input}", s.input},
      {"%{output}", s.output},
      {"%i", s.input},
      {"%o", s.output},
      {"%{deleted}", s.deleted},
      {"%{expunged}", s.expunged},
      {"%{autoexpunged}", s.autoexpunged},
      {"%{trashed}", s.trashed},
      {"%{appended}", s.appended},
      {"%{fetch_hdr_count}", s.header_count},
      {"%{fetch_hdr_bytes}", s.header_bytes},
      {"%{fetch_body_count}", s.body_count},
      {"%{fetch_body_bytes}", s.body_bytes}};
  std::string_view format = config().logout_format;
  std::string out;
  while (!format.empty()) {
    bool found = false;
    for (const auto& [name, value] : numbers) {
      if (!format.starts_with(name)) continue;
      out += std::to_string(value);
      format.remove_prefix(name.size());
      found = true;
      break;
    }
    if (found) continue;
    if (format.starts_with("%{session}")) {
      out += account_.session_id;
      format.remove_prefix(10);
      continue;
    }
    out += format[0];
    format.remove_prefix(1);
  }
  return out;
}

}  // namespace mail::imapd
