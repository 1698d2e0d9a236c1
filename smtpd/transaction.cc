#include "smtpd/transaction.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cerrno>

#include "common/base/ascii.h"
#include "common/config/postfix/params.h"
#include "common/ipc/cleanup.h"
#include "common/ipc/milter.h"
#include "common/log/log.h"
#include "common/mime/codec.h"
#include "common/process/socket_child.h"
#include "common/queuefile/record.h"

namespace mail::smtpd {

using queuefile::append_attribute;
using queuefile::append_record;
using queuefile::Type;
namespace flag = ipc::cleanup_flag;
namespace param = config::param;

namespace {

constexpr size_t kSendSize = 65536;

std::string family_of(const ClientFacts& client) {
  return client.address.is_v6() ? "10" : "2";
}

}  // namespace

std::string Transaction::peer() const {
  return config_->postdrop.empty() ? config_->cleanup->peer() : "postdrop";
}

net::Task<Result<net::Stream>> Transaction::connect() {
  if (config_->postdrop.empty()) {
    auto stream = co_await config_->cleanup->connect();
    co_return stream;
  }
  while (waitpid(-1, nullptr, WNOHANG) > 0) {  // of the message before
  }
  auto child = process::start_on_socket(config_->postdrop, {"postdrop", "-r"});
  CO_CHECK(child);
  int fd = child->socket.get();
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
    co_return fail_errno("fcntl", errno);
  }
  co_return net::Stream(std::move(child->socket));
}

/// What postdrop(1) takes: who asks is none of its business.
void Transaction::write_submission() {
  std::string& out = stream_.output();
  append_attribute(out, "rewrite_context", "local");
  write_dsn_request(out);
  append_record(out, Type::Sender, mail.address);
  write_body_type(out);
  if (mail.xverp) append_record(out, Type::Verp, mail.verp);
}

void Transaction::write_dsn_request(std::string& out) const {
  if (!mail.envid.empty()) append_attribute(out, "envelope_id", mail.envid);
  if (mail.ret != smtp::DsnReturn::Unset) {
    append_attribute(out, "ret_flags",
                     mail.ret == smtp::DsnReturn::Full ? "1" : "2");
  }
}

void Transaction::write_body_type(std::string& out) const {
  if (mail.body == smtp::BodyType::Unset) return;
  append_attribute(out, "encoding",
                   mail.body == smtp::BodyType::EightBit ? "8bit" : "7bit");
}

net::Task<Result<std::string>> Transaction::open(const Facts& facts,
                                                 bool has_milters) {
  auto deadline = net::Deadline::in(config_->cleanup->options().timeout);
  auto connected = co_await connect();
  net::Stream stream = CO_TRY(connected);
  auto greeting =
      co_await ipc::receive<ipc::CleanupGreeting>(stream, peer(), deadline);
  CO_CHECK(greeting);
  bool submits = !config_->postdrop.empty();
  if (greeting->protocol !=
      (submits ? ipc::kPostdropProtocol : ipc::kCleanupProtocol)) {
    co_return fail(Fault::Protocol,
                   fmt::format("unexpected protocol from {}", peer()));
  }
  stream_ = std::move(stream);
  if (submits) {
    write_submission();
    co_return std::move(greeting->queue_id);
  }
  int flags = flag::kSmtpReply;
  if (config_->header_body_checks) flags |= flag::kFilter;
  if (config_->address_mappings) flags |= flag::kBcc | flag::kMap;
  if (mail.smtputf8) flags |= flag::kSmtputf8;
  ipc::append(stream_, ipc::CleanupFlags{flags});
  Facts with_id = facts;
  with_id.queue_id = greeting->queue_id;
  write_envelope(with_id, has_milters);
  co_return std::move(greeting->queue_id);
}

void Transaction::write_envelope(const Facts& facts, bool has_milters) {
  std::string& out = stream_.output();
  const ClientFacts& client = facts.client;
  // Room for what filters may change must be left from the beginning.
  if (has_milters) append_record(out, Type::Milters, "0");
  if (!config_->content_filter.empty()) {
    append_record(out, Type::Filter, config_->content_filter);
  }
  timeval now{};
  gettimeofday(&now, nullptr);
  append_record(out, Type::Time, fmt::format("{} {}", now.tv_sec, now.tv_usec));
  bool has_ident = forwarded && !forwarded->ident.empty();
  append_attribute(out, "log_ident",
                   has_ident ? forwarded->ident : facts.queue_id);
  append_attribute(out, "rewrite_context", local_client ? "local" : "remote");
  write_dsn_request(out);
  append_record(out, Type::Sender, mail.address);
  write_body_type(out);
  std::string helo = facts.helo.value_or("");
  // To logs the first client matters, to decisions the one before us.
  Forwarded shown = forwarded.value_or(Forwarded{});
  if (!forwarded) {
    shown.name = client.name;
    shown.address = client.address_text;
    shown.port = client.port;
    shown.helo = helo;
    shown.protocol = facts.protocol;
  }
  append_attribute(out, "log_client_name", shown.name);
  append_attribute(out, "log_client_address", shown.address);
  append_attribute(out, "log_client_port", shown.port);
  append_attribute(out, "log_message_origin",
                   forwarded ? shown.name_addr() : client.name_addr);
  // An empty value is none to cleanup, which would say so.
  if (!shown.helo.empty()) append_attribute(out, "log_helo_name", shown.helo);
  append_attribute(out, "log_protocol_name", shown.protocol);
  append_attribute(out, "client_name", client.name);
  append_attribute(out, "reverse_client_name", client.reverse_name);
  append_attribute(out, "client_address", client.address_text);
  append_attribute(out, "client_port", client.port);
  append_attribute(out, "server_address", client.server_address);
  append_attribute(out, "server_port", client.server_port);
  if (!helo.empty()) append_attribute(out, "helo_name", helo);
  append_attribute(out, "protocol_name", facts.protocol);
  append_attribute(out, "client_address_type", family_of(client));
  if (!facts.sasl_method.empty()) {
    append_attribute(out, "sasl_method", facts.sasl_method);
    append_attribute(out, "sasl_username", facts.sasl_username);
    if (!facts.sasl_sender.empty()) {
      append_attribute(out, "sasl_sender", facts.sasl_sender);
    }
  }
  if (mail.xverp) append_record(out, Type::Verp, mail.verp);
}

void Transaction::add_recipient(const smtp::Rcpt& rcpt) {
  std::string& out = stream_.output();
  if (rcpt.notify) {
    append_attribute(out, "notify_flags", fmt::to_string(rcpt.notify));
  }
  if (!rcpt.orcpt.empty()) {
    // Written as it is kept: the type, and the address as xtext.
    size_t semicolon = rcpt.orcpt.find(';');
    std::string text = rcpt.orcpt.substr(0, semicolon + 1) +
                       mime::encode_xtext(rcpt.orcpt.substr(semicolon + 1));
    append_attribute(out, "dsn_orig_rcpt", text);
  }
  append_record(out, Type::Recipient, rcpt.address);
  ++accepted;
}

void Transaction::write_header_lines(std::string_view text) {
  while (true) {
    size_t end = text.find('\n');
    queuefile::append_line(stream_.output(), text.substr(0, end),
                           config_->limits.line_length);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

namespace {

std::string names_of(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    if (!out.empty()) out += ' ';
    out += name.size() > 1 ? "{" + name + "}" : name;
  }
  return out;
}

ipc::MilterLists lists_of(const milter::MacroLists& macros) {
  return {names_of(macros[0]), names_of(macros[1]), names_of(macros[2]),
          names_of(macros[3]), names_of(macros[4]), names_of(macros[5]),
          names_of(macros[6]), names_of(macros[7])};
}

int seconds_of(Duration span) {
  return static_cast<int>(
      std::chrono::duration_cast<std::chrono::seconds>(span).count());
}

ipc::MilterState state_of(const filters::Filter& filter,
                          const milter::MacroLists& usual) {
  constexpr uint32_t kNoReplyBits = 0x80 | 0xFF000;
  ipc::MilterState out;
  out.name = filter.name();
  out.version = static_cast<int>(filter.agreement().version);
  out.actions = static_cast<int>(filter.agreement().actions);
  out.events = static_cast<int>(filter.agreement().protocol & ~kNoReplyBits);
  out.non_events = static_cast<int>(filter.agreement().protocol & kNoReplyBits);
  out.state = !filter.live()              ? ipc::milter_state::kClosed
              : filter.accepted_message() ? ipc::milter_state::kAcceptMessage
                                          : ipc::milter_state::kEnvelope;
  out.conn_timeout = seconds_of(filter.config().connect_timeout);
  out.cmd_timeout = seconds_of(filter.config().command_timeout);
  out.msg_timeout = seconds_of(filter.config().content_timeout);
  out.action = filter.config().default_action;
  out.has_lists = filter.macros() != usual;
  if (out.has_lists) out.lists = lists_of(filter.macros());
  return out;
}

}  // namespace

net::Task<Result<>> Transaction::pass_filters(filters::Filters& filters) {
  auto deadline = net::Deadline::in(config_->cleanup->options().timeout);
  std::vector<filters::Filter*> live;
  for (auto& filter : filters.members()) {
    if (filter.live()) live.push_back(&filter);
  }
  append_record(stream_.output(), Type::Milters, fmt::to_string(live.size()));
  if (live.empty()) co_return Result<>{};
  for (auto* filter : live) {
    co_await filter->send_pending();
    auto state = state_of(*filter, config_->milter_macros);
    if (filter == live.front()) {
      ipc::MilterHandover first;
      first.lists = lists_of(config_->milter_macros);
      first.defaults = config_->milter_default_macros;
      first.first = std::move(state);
      ipc::append(stream_, first);
    } else {
      ipc::append(stream_, state);
    }
    auto asked = co_await stream_.flush(deadline);
    CO_CHECK(asked);
    auto ready =
        co_await ipc::receive<ipc::FdReady>(stream_, "cleanup", deadline);
    CO_CHECK(ready);
    auto passed = co_await stream_.send_fd(filter->fd(), deadline);
    CO_CHECK(passed);
    ready = co_await ipc::receive<ipc::FdReady>(stream_, "cleanup", deadline);
    CO_CHECK(ready);
  }
  auto status =
      co_await ipc::receive<ipc::Status>(stream_, "cleanup", deadline);
  CO_CHECK(status);
  if (status->status != 0) {
    co_return fail(Fault::Temporary, "cleanup service refuses the filters");
  }
  co_return Result<>{};
}

net::Task<> Transaction::begin_content(const Facts& facts,
                                       filters::Filters& filters) {
  std::string& out = stream_.output();
  if (!effects.filter.empty()) append_record(out, Type::Filter, effects.filter);
  if (!effects.redirect.empty()) {
    append_record(out, Type::Redirect, effects.redirect);
  }
  for (const auto& bcc : effects.bcc) {
    append_attribute(out, "notify_flags", "1");
    append_record(out, Type::Recipient, bcc);
  }
  int extra =
      (effects.hold ? flag::kHold : 0) | (effects.discard ? flag::kDiscard : 0);
  if (extra) append_record(out, Type::Flags, fmt::to_string(extra));
  if (!filters.empty() && !effects.discard) {
    auto passed = co_await pass_filters(filters);
    if (!passed) {
      log::warning(passed.error().what);
      failed = true;
    }
  }
  if (!stream_) co_return;
  append_record(stream_.output(), Type::Message, "");
  for (const auto& header : effects.prepend) write_header_lines(header);
  write_header_lines(received_header(*config_, facts, *this));
}

void Transaction::add_lines(std::span<const smtp::BodyLine> lines) {
  constexpr size_t kLineEnd = 2;
  bool writes = stream_ && !too_big && !failed;
  for (const auto& line : lines) {
    content_bytes += static_cast<int64_t>(line.text.size() +
                                          (line.continues ? 0 : kLineEnd));
    if (config_->message_size > 0 && content_bytes > config_->message_size) {
      too_big = true;
      writes = false;
    }
    if (!writes) continue;
    std::string& out = stream_.output();
    if (at_start_ && !mid_line_) {
      // What a mailbox would take for the start of a message.
      if (line.text.starts_with("From ") || line.text.starts_with(">From ")) {
        std::string safe = "X-Mailbox-Line: " + std::string(line.text);
        append_record(out, line.continues ? Type::Cont : Type::Text, safe);
        mid_line_ = line.continues;
        continue;
      }
      at_start_ = false;
    }
    mid_line_ = line.continues;
    append_record(out, line.continues ? Type::Cont : Type::Text, line.text);
  }
}

net::Task<> Transaction::send_some() {
  if (!stream_ || failed || stream_.output().size() < kSendSize) co_return;
  auto sent = co_await stream_.flush(
      net::Deadline::in(config_->cleanup->options().timeout));
  if (!sent) failed = true;
}

net::Task<Result<ipc::StatusReason>> Transaction::finish() {
  auto deadline = net::Deadline::in(config_->cleanup->options().timeout);
  append_record(stream_.output(), Type::Extracted, "");
  append_record(stream_.output(), Type::End, "");
  auto sent = co_await stream_.flush(deadline);
  (void)sent;  // the verdict says more, if there is one
  auto reply =
      co_await ipc::receive<ipc::StatusReason>(stream_, peer(), deadline);
  stream_.close();
  co_return reply;
}

void Transaction::abandon() { stream_.close(); }

}  // namespace mail::smtpd
