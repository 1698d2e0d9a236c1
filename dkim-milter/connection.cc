#include "dkim-milter/connection.h"

#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "common/base/ascii.h"
#include "common/net/address.h"
#include "dkim-milter/filter_log.h"

namespace mail::dkim_milter {

namespace {

constexpr time_t kPatience = 7210;  // seconds, as libmilter's

// The protocol's bits (milter-protocol; Postfix's and libmilter's names).
constexpr uint32_t kAddHeaders = 0x1, kAddRecipient = 0x4,
                   kDeleteRecipient = 0x8, kChangeHeaders = 0x10;
constexpr uint32_t kNoHelo = 0x2, kNoUnknown = 0x100, kNoData = 0x200,
                   kSkip = 0x400, kLeadingSpace = 0x100000;
constexpr uint32_t kSilentHeader = 0x80, kSilentConnect = 0x1000,
                   kSilentMail = 0x4000, kSilentRcpt = 0x8000,
                   kSilentEndOfHeader = 0x40000;

/// The macros that MacroList looks at, asked for by name.
std::string macros_to_ask(const Settings& settings) {
  if (!settings.macros) return "";
  std::string names = "i {daemon_name} {auth_type}";
  std::string last;
  for (const auto& entry : *settings.macros) {
    if (entry.key == last) continue;
    last = entry.key;
    bool bare = last.size() > 1 && last[0] != '{';
    names += bare ? fmt::format(" {{{}}}", last) : " " + last;
  }
  return names;
}

milter::Wishes wishes(const Settings& settings) {
  milter::Wishes out;
  out.actions = kAddHeaders;
  if (!settings.keep_results || settings.remove_old_signatures) {
    out.actions |= kChangeHeaders;
  }
  if (!settings.redirect_failures_to.empty()) {
    out.actions |= kAddRecipient | kDeleteRecipient;
  }
  // What is never answered but by "continue" needs no answer at all.
  out.protocol = kNoHelo | kNoUnknown | kNoData | kSkip | kLeadingSpace |
                 kSilentMail | kSilentRcpt | kSilentHeader | kSilentEndOfHeader;
  if (!settings.peers) out.protocol |= kSilentConnect;
  out.end_of_header_macros = macros_to_ask(settings);
  return out;
}

milter::Answer answer_of(Reply reply) {
  switch (reply) {
    case Reply::Continue:
      return milter::Answer::Continue;
    case Reply::Accept:
      return milter::Answer::Accept;
    case Reply::Reject:
      return milter::Answer::Reject;
    case Reply::Tempfail:
      return milter::Answer::Tempfail;
    case Reply::Discard:
      return milter::Answer::Discard;
    case Reply::Skip:
      return milter::Answer::Skip;
  }
  return milter::Answer::Tempfail;
}

}  // namespace

Connection::Connection(UniqueFd fd, std::shared_ptr<const Context> context,
                       std::atomic<int>& messages)
    : fd_(std::move(fd)),
      context_(std::move(context)),
      engine_(wishes(*context_->settings)),
      messages_(messages) {
  timeval patience{kPatience, 0};
  (void)setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience,
                   sizeof(patience));
  (void)setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience,
                   sizeof(patience));
}

void Connection::serve() {
  while (true) {
    auto event = engine_.next();
    if (!event) return complain_of(event.error());
    if (!*event) {
      if (!flush()) return;
      if (!transaction_) set_busy(false);
      if (!fill()) return;
      continue;
    }
    if ((*event)->code == 'Q') return;
    engine_.answer(answer_of(on(**event)));
  }
}

void Connection::set_busy(bool busy) {
  if (busy != busy_) messages_ += busy ? 1 : -1;
  busy_ = busy;
}

void Connection::complain_of(const Error& error) {
  uint32_t needed = wishes(*context_->settings).actions;
  if (error.what.starts_with("required")) {
    log_line(Priority::Error,
             fmt::format("mlfi_negotiate(): {} (got 0x{:x}, need 0x{:x})",
                         error.what, engine_.offered_actions(), needed));
  } else {
    log_line(Priority::Error, "milter connection: " + error.what);
  }
}

bool Connection::fill() {
  char bytes[16384];
  while (true) {
    ssize_t n = recv(fd_.get(), bytes, sizeof(bytes), 0);
    if (n > 0) {
      engine_.receive(std::string_view(bytes, static_cast<size_t>(n)));
      return true;
    }
    if (n == 0 || errno != EINTR) return false;
  }
}

bool Connection::flush() {
  while (!engine_.pending().empty()) {
    std::string_view pending = engine_.pending();
    ssize_t n = send(fd_.get(), pending.data(), pending.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    engine_.sent(static_cast<size_t>(n));
  }
  return true;
}

Reply Connection::on(const Event& event) {
  switch (event.code) {
    case 'C':
      return on_connect(event.data);
    case 'M':
      set_busy(true);
      transaction_.emplace(*context_, origin_, *this);
      return Reply::Continue;
    case 'R':
      if (transaction_) {
        transaction_->rcpt(event.data.substr(0, event.data.find('\0')));
      }
      return Reply::Continue;
    case 'L':
      return on_header(event.data);
    case 'N':
      if (transaction_) transaction_->end_of_headers();
      return Reply::Continue;
    case 'B':
      return transaction_ ? transaction_->body(event.data) : Reply::Continue;
    case 'E':
      return on_end_of_message(event.data);
    case 'A':
    case 'K':
      transaction_.reset();
      return Reply::Continue;
    default:
      return Reply::Continue;
  }
}

Reply Connection::on_connect(std::string_view data) {
  milter::Fields fields(data);
  Client client;
  client.host = fields.text().value_or("");
  std::string_view rest = fields.rest();
  // Family, port; the address is text, of sendmail with "IPv6:" before it.
  if (rest.size() > 3 && (rest[0] == '4' || rest[0] == '6')) {
    std::string_view address = rest.substr(3);
    address = address.substr(0, address.find('\0'));
    if (istarts_with(address, "IPv6:")) address.remove_prefix(5);
    client.address = net::IpAddress::parse(address);
  }
  const Settings& settings = *context_->settings;
  if (settings.peers && holds_client(*settings.peers, client)) {
    return Reply::Accept;
  }
  origin_ = place_client(settings, std::move(client));
  return Reply::Continue;
}

Reply Connection::on_header(std::string_view data) {
  size_t end = data.find('\0');
  if (!transaction_ || end == std::string_view::npos) return Reply::Continue;
  std::string_view value = data.substr(end + 1);
  transaction_->header(data.substr(0, end), value.substr(0, value.find('\0')));
  return Reply::Continue;
}

Reply Connection::on_end_of_message(std::string_view last_chunk) {
  if (!transaction_) return Reply::Continue;
  if (!last_chunk.empty()) (void)transaction_->body(last_chunk);
  Reply reply = transaction_->end_of_message();
  transaction_.reset();
  return reply;
}

std::optional<std::string> Connection::macro(const std::string& name) {
  return engine_.macro(name);
}

std::string Connection::with_blank(const std::string& value) const {
  return engine_.leading_space() ? " " + value : value;
}

bool Connection::insert_header(int index, const std::string& name,
                               const std::string& value) {
  return engine_.insert_header(static_cast<uint32_t>(index), name,
                               with_blank(value));
}

bool Connection::add_header(const std::string& name, const std::string& value) {
  return engine_.add_header(name, with_blank(value));
}

bool Connection::delete_header(const std::string& name, int index) {
  return engine_.change_header(static_cast<uint32_t>(index), name, "");
}

bool Connection::add_recipient(const std::string& address) {
  return engine_.add_recipient(address);
}

bool Connection::delete_recipient(const std::string& address) {
  return engine_.delete_recipient(address);
}

void Connection::set_reply(const std::string& code, const std::string& status,
                           const std::string& text) {
  engine_.set_reply(code, status, text);
}

void Connection::progress() {
  engine_.progress();
  (void)flush();
}

}  // namespace mail::dkim_milter
