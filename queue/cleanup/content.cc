#include "queue/cleanup/content.h"

#include <fmt/format.h>

#include <ctime>

#include "common/base/ascii.h"
#include "common/base/utf8.h"
#include "common/config/postfix/params.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/mime/address_list.h"
#include "common/mime/date.h"

namespace mail::cleanup {

using mime::HeaderClass;
using mime::HeaderId;
using queuefile::Type;
namespace flag = ipc::cleanup_flag;
namespace param = config::param;
namespace status = ipc::cleanup_status;

bool is_8bit_encoding(std::string_view header) {
  auto value = trim(mime::split_header(header).value);
  return iequals(value, "8bit") || iequals(value, "binary");
}

namespace {

mime::MimeOptions mime_options(const Config& config) {
  const auto& s = *config.settings;
  mime::MimeOptions o;
  o.parse_mime = !s.get(param::disable_mime_input_processing);
  o.report_8bit_header =
      s.get(param::strict_7bit_headers) || s.get(param::strict_8bitmime);
  o.report_8bit_body =
      s.get(param::strict_8bitmime_body) || s.get(param::strict_8bitmime);
  o.report_encoding_domain = s.get(param::strict_mime_encoding_domain);
  o.nesting_limit = static_cast<size_t>(s.get(param::mime_nesting_limit));
  o.boundary_length_limit =
      static_cast<size_t>(s.get(param::mime_boundary_length_limit));
  o.header_size_limit = config.header_size;
  return o;
}

}  // namespace

ContentWriter::ContentWriter(State& state) : s_(state), checks_(state) {}

void ContentWriter::begin() {
  mime_.emplace(mime_options(s_.config), *this);
  keeps_checks_ = s_.config.watches_mime();
  if (s_.milters_used) s_.headers_pointer = s_.out.pointer();
  s_.headers_at = s_.out.position();
}

void ContentWriter::on_header(HeaderClass kind, const mime::HeaderInfo* info,
                              std::string_view text) {
  events_.push_back({Event::Kind::Header, kind, info, std::string(text)});
}

void ContentWriter::on_primary_end() {
  events_.push_back({Event::Kind::PrimaryEnd});
}

void ContentWriter::on_body(std::string_view line, bool complete) {
  bool checked = !s_.config.body_checks.empty() && (s_.flags & flag::kFilter);
  if (events_.empty() && !checked) {
    s_.out.text(line, complete, s_.config.line_length);
    return;
  }
  Event event{Event::Kind::Body};
  event.text = line;
  event.complete = complete;
  events_.push_back(std::move(event));
}

/// message_strip_characters, message_reject_characters, stray CR and LF.
std::string_view ContentWriter::cleaned(std::string_view text) {
  const Config& c = s_.config;
  if (!c.reject_characters.empty() &&
      text.find_first_of(c.reject_characters) != std::string_view::npos) {
    s_.log_action("reject", "content", "", "5.7.1 disallowed character");
    s_.add_error(status::kContent, "5.7.1 disallowed character");
  }
  // Each by itself: that is memchr(3), and this is done for every line.
  bool stray = c.replace_stray && (text.find('\r') != std::string_view::npos ||
                                   text.find('\n') != std::string_view::npos);
  bool strip = !c.strip_characters.empty() &&
               text.find_first_of(c.strip_characters) != std::string_view::npos;
  if (!stray && !strip) return text;
  scratch_ = text;
  if (strip) {
    std::erase_if(scratch_, [&](char ch) {
      return c.strip_characters.find(ch) != std::string::npos;
    });
  }
  if (stray) {
    for (char& ch : scratch_) {
      if (ch == '\r' || ch == '\n') ch = ' ';
    }
  }
  return scratch_;
}

bool ContentWriter::pass(std::string_view text, bool complete) {
  if (watching_) return false;
  s_.out.text(cleaned(text), complete, s_.config.line_length);
  return true;
}

net::Task<> ContentWriter::line(std::string_view text, bool complete) {
  if (pass(text, complete)) co_return;
  mime_->line(cleaned(text), complete);
  if (!events_.empty()) co_await handle_events();
  check_mime_error();
}

net::Task<> ContentWriter::end() {
  mime_->finish();
  co_await handle_events();
  if (!past_header_) co_await primary_end();
  check_mime_error();
}

net::Task<> ContentWriter::handle_events() {
  auto events = std::exchange(events_, {});
  for (auto& event : events) {
    switch (event.kind) {
      case Event::Kind::Header:
        co_await header(std::move(event));
        break;
      case Event::Kind::PrimaryEnd:
        co_await primary_end();
        break;
      case Event::Kind::Body:
        co_await body(std::move(event.text), event.complete);
        break;
    }
  }
}

void ContentWriter::check_mime_error() {
  if (!s_.ok() || mime_->error() == mime::MimeError::None) return;
  std::string text =
      "5.6.0 " + std::string(mime::mime_error_text(mime_->error()));
  s_.log_action("reject", fmt::format("mime-error {}", text),
                mime_->error_line(), "");
  s_.add_error(status::kContent, text);
}

std::optional<Rewriter::Context> ContentWriter::rewrite_context() const {
  auto context = s_.attribute("rewrite_context");
  if (context == "remote") {
    if (s_.config.remote_rewrite_domain.empty()) return std::nullopt;
    return Rewriter::Context::Remote;
  }
  return Rewriter::Context::Local;
}

bool ContentWriter::completes_headers() const {
  return rewrite_context().has_value() || s_.config.always_add_headers;
}

/// Notes what must be known of a header before it is written.
void ContentWriter::inspect(const Event& event) {
  if (!is_ascii(event.text)) s_.utf8_bits |= 2;
  if (!event.info) return;
  HeaderId id = event.info->id;
  if (id == HeaderId::ContentTransferEncoding && s_.config.detect_8bit &&
      is_8bit_encoding(event.text)) {
    s_.found_8bit = true;
  }
  if (id == HeaderId::ContentType) {
    auto value = mime::split_header(event.text).value;
    if (istarts_with(value, "multipart/") || istarts_with(value, "message/")) {
      multipart_ = true;
    }
  }
  if (event.header_class == HeaderClass::Nested || past_header_) return;
  seen_.insert(id);
  if (event.info->traits & mime::kResentHeader) resent_ = true;
  if (id == HeaderId::To || id == HeaderId::Cc || id == HeaderId::ResentTo ||
      id == HeaderId::ResentCc) {
    has_recipient_header_ = true;
  }
  if (id == HeaderId::Received && ++received_ >= s_.config.hopcount) {
    if (received_ == s_.config.hopcount) {
      log::warning(
          fmt::format("{}: message rejected: hopcount exceeded", s_.out.id()));
      s_.add_error(status::kHops);
    }
  }
  if (id == HeaderId::MessageId || id == HeaderId::ResentMessageId) {
    bool resent = id == HeaderId::ResentMessageId;
    if (!resent) logged_message_id_ = true;
    log::info(fmt::format("{}: {}message-id={}", s_.out.id(),
                          resent ? "resent-" : "",
                          mime::split_header(event.text).value));
  }
}

net::Task<std::string> ContentWriter::rewritten(const mime::HeaderInfo& info,
                                                std::string text) {
  auto context = rewrite_context();
  if (!context) co_return text;
  bool sender = info.traits & mime::kSenderHeader;
  auto field = mime::split_header(text);
  mime::AddressList list(field.value, s_.config.token_limit);
  for (size_t i = 0; i < list.size(); ++i) {
    std::string before = list.external(i);
    if (before.empty()) continue;
    auto complete = co_await s_.rewriter.rewrite_external(*context, before);
    if (!complete) {
      log::warning(fmt::format("{}: {}", s_.out.id(), complete.error().what));
      s_.add_error(status::kWrite);
      co_return text;
    }
    std::string internal = mime::unquote_local(*complete);
    std::string external = std::move(*complete);
    if (s_.flags & flag::kMap) {
      auto mapped = co_await s_.rewriter.map_address(
          internal, sender ? kHeaderSender : kHeaderRecipient,
          sender ? Rewriter::Direction::Sender
                 : Rewriter::Direction::Recipient);
      if (!mapped) {
        log::warning(fmt::format("{}: {}", s_.out.id(), mapped.error().what));
        s_.add_error(status::kWrite);
        co_return text;
      }
      if (*mapped != internal) external = mime::quote_local(*mapped);
    }
    if (external != before) list.set_external(i, external);
  }
  if (!list.changed()) co_return text;
  co_return list.header(field.name);
}

void ContentWriter::write_header(std::string_view text) {
  if (s_.milters_used && !past_header_) headers_.emplace_back(text);
  while (true) {
    size_t end = text.find('\n');
    s_.out.text(text.substr(0, end), true, s_.config.line_length);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

net::Task<> ContentWriter::header(Event event) {
  bool is_mime = event.header_class == HeaderClass::Mime;
  auto& tables = event.header_class == HeaderClass::Nested
                     ? s_.config.nested_header_checks
                 : is_mime ? s_.config.mime_header_checks
                           : s_.config.header_checks;
  auto checked = co_await checks_.look_up(tables, "header", event.text);
  if (checked.before) write_header(*checked.before);
  if (checked.replacement) {
    event.text = *checked.replacement;
    event.info = mime::find_header(mime::split_header(event.text).name);
  }
  if (checked.drop) co_return;
  inspect(event);
  bool primary = event.header_class == HeaderClass::Primary;
  if (primary) {
    auto name = lower(mime::split_header(event.text).name);
    for (const auto& dropped : s_.config.drop_headers) {
      if (name == dropped) co_return;
    }
    constexpr auto kAddresses = mime::kSenderHeader | mime::kRecipientHeader;
    if (event.info && (event.info->traits & kAddresses)) {
      event.text = co_await rewritten(*event.info, std::move(event.text));
    }
  }
  write_header(event.text);
}

net::Task<> ContentWriter::body(std::string text, bool complete) {
  bool over = s_.config.body_checks_size > 0 &&
              body_seen_ >= s_.config.body_checks_size;
  if (!over) {
    body_seen_ += text.size() + 1;
    auto checked =
        co_await checks_.look_up(s_.config.body_checks, "body", text);
    if (checked.before) write_header(*checked.before);
    if (checked.replacement) text = std::move(*checked.replacement);
    if (checked.drop) co_return;
  }
  s_.out.text(text, complete, s_.config.line_length);
}

net::Task<> ContentWriter::primary_end() {
  if (past_header_) co_return;
  if (completes_headers()) add_missing_headers();
  if (!logged_message_id_) {
    log::info(fmt::format("{}: message-id=<>", s_.out.id()));
  }
  past_header_ = true;
  if (s_.milters_used) s_.body_pointer = s_.out.pointer();
  s_.body_at = s_.out.position();
  // From here on most messages can be passed on as they are.
  bool find_8bit = s_.config.detect_8bit && multipart_ && !s_.found_8bit &&
                   s_.encoding != "8bit";
  watching_ = keeps_checks_ || find_8bit;
  co_return;
}

void ContentWriter::add_missing_headers() {
  const Config& c = s_.config;
  const auto& file = s_.out.file();
  std::string_view prefix = resent_ ? "Resent-" : "";
  auto lacks = [&](HeaderId plain, HeaderId resent) {
    return !seen_.contains(resent_ ? resent : plain);
  };
  if (lacks(HeaderId::MessageId, HeaderId::ResentMessageId)) {
    std::string id =
        mime::make_message_id(file.sec, s_.out.id(), c.host, c.long_ids);
    write_header(fmt::format("{}Message-Id: {}", prefix, id));
    log::info(fmt::format("{}: {}message-id={}", s_.out.id(),
                          resent_ ? "resent-" : "", id));
    if (!resent_) logged_message_id_ = true;
  }
  if (lacks(HeaderId::Date, HeaderId::ResentDate)) {
    time_t at = s_.arrival;
    tm local{};
    localtime_r(&at, &local);
    mime::Zone zone{static_cast<int>(local.tm_gmtoff), local.tm_zone};
    write_header(
        fmt::format("{}Date: {}", prefix, mime::format_date(at, zone)));
  }
  if (lacks(HeaderId::From, HeaderId::ResentFrom)) {
    std::string address = s_.sender && !s_.sender->empty()
                              ? mime::quote_local(*s_.sender)
                              : "MAILER-DAEMON@" + c.origin;
    write_header(
        fmt::format("{}From: {}", prefix,
                    mime::format_from(s_.full_name, address, c.from_format)));
  }
  if (!has_recipient_header_ && !c.undisclosed_recipients.empty()) {
    write_header(c.undisclosed_recipients);
  }
}

}  // namespace mail::cleanup
