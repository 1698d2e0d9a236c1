#include "queue/cleanup/envelope.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/log/log.h"
#include "common/mime/address.h"
#include "common/mime/codec.h"

namespace mail::cleanup {

using queuefile::Type;
namespace flag = ipc::cleanup_flag;
namespace status = ipc::cleanup_status;

namespace {

constexpr int kNotifyNever = 1;

constexpr std::string_view kSizesBlank =
    "              0               0               0               0"
    "               0               0";

}  // namespace

void EnvelopeWriter::begin() {
  s_.size_at = s_.out.record(Type::Size, kSizesBlank);
}

void EnvelopeWriter::lookup_failed(const Error& error) {
  log::warning(fmt::format("{}: {}", s_.out.id(), error.what));
  if (error.fault == Fault::Permanent) {
    s_.add_error(status::kDefer, "4.6.0 Alias expansion error");
  } else {
    s_.add_error(status::kWrite);
  }
}

net::Task<std::string> EnvelopeWriter::rewritten_sender(std::string address) {
  auto context = Rewriter::Context::Local;
  auto rewritten = co_await s_.rewriter.rewrite(context, address);
  if (!rewritten) {
    lookup_failed(rewritten.error());
    co_return address;
  }
  address = std::move(*rewritten);
  // Nobody is to answer the mail system itself.
  if (iequals(address, "mailer-daemon@" + s_.config.origin)) address.clear();
  if (!(s_.flags & flag::kMap)) co_return address;
  auto mapped = co_await s_.rewriter.map_address(
      address, kEnvelopeSender, Rewriter::Direction::Sender);
  if (!mapped) {
    lookup_failed(mapped.error());
    co_return address;
  }
  co_return std::move(*mapped);
}

net::Task<> EnvelopeWriter::take_sender(std::string address) {
  if (s_.sender) {
    log::warning(fmt::format("{}: ignoring bogus extra sender record: {}",
                             s_.out.id(), address));
    co_return;
  }
  if (!is_ascii(address)) s_.utf8_bits |= 4;
  address = co_await rewritten_sender(std::move(address));
  if (s_.milters_used) s_.sender_pointer = s_.out.pointer();
  s_.sender_at = s_.out.record(Type::Sender, address);
  s_.sender_end = s_.out.position();
  if (s_.config.delay_warning > 0 && !address.empty()) {
    s_.out.record(Type::WarnTime, queuefile::fixed_number(
                                      s_.arrival + s_.config.delay_warning));
  }
  s_.sender = std::move(address);
}

void EnvelopeWriter::take_time(std::string_view data) {
  s_.out.record(Type::Time, data);
  s_.arrival = parse_number<long>(data.substr(0, data.find(' '))).value_or(0);
  s_.out.attribute("create_time", fmt::to_string(s_.out.file().sec));
}

void EnvelopeWriter::take_attribute(std::string_view data, bool extracted) {
  size_t equal = data.find('=');
  if (equal == std::string_view::npos || equal == 0) {
    log::warning(
        fmt::format("{}: message rejected: missing attribute name or "
                    "value",
                    s_.out.id()));
    s_.add_error(status::kBad);
    return;
  }
  std::string_view name = data.substr(0, equal);
  std::string_view value = data.substr(equal + 1);
  if (name == "create_time") {
    // Ours says when this file was made; a re-queued message keeps its age.
    return;
  }
  if (name == "notify_flags") {
    s_.pending_notify = parse_number<int>(value).value_or(0);
    return;
  }
  if (name == "dsn_orig_rcpt") {
    s_.pending_orcpt = value;
    return;
  }
  if (name == "encoding") {
    if (extracted && value == s_.encoding) return;
    s_.encoding = value;
  }
  s_.attributes.insert_or_assign(std::string(name), std::string(value));
  s_.out.attribute(name, value);
}

net::Task<> EnvelopeWriter::take(Type type, std::string data, bool extracted) {
  switch (type) {
    case Type::Size:
      break;  // of a re-queued file; ours stands
    case Type::Time:
      if (!extracted) take_time(data);
      break;
    case Type::Attribute:
      take_attribute(data, extracted);
      break;
    case Type::FullName:
      s_.full_name = data;
      s_.out.record(type, data);
      break;
    case Type::Sender:
      co_await take_sender(std::move(data));
      break;
    case Type::OrigRecipient:
      s_.pending_original = std::move(data);
      break;
    case Type::DsnOrigRecipient:
      s_.pending_orcpt = std::move(data);
      break;
    case Type::DsnNotify:
      s_.pending_notify = parse_number<int>(data).value_or(0);
      break;
    case Type::Recipient: {
      Recipient recipient{std::exchange(s_.pending_original, {}), data,
                          std::exchange(s_.pending_orcpt, {}),
                          std::exchange(s_.pending_notify, 0)};
      if (extracted) s_.extracted_recipients = true;
      co_await add_recipient(std::move(recipient));
      break;
    }
    case Type::DoneRecipient:
    case Type::CanceledRcpt:
      s_.pending_original.clear();
      s_.pending_orcpt.clear();
      s_.pending_notify = 0;
      break;
    case Type::Filter:
      s_.filter = data;
      s_.out.record(type, data);
      break;
    case Type::Redirect:
      s_.redirect = data;
      s_.out.record(type, data);
      break;
    case Type::Flags:
      s_.flags |= parse_number<int>(data).value_or(0);
      break;
    case Type::DsnRet:
    case Type::DsnEnvelopeId:
    case Type::Verp:
    case Type::Inspector:
      s_.out.record(type, data);
      break;
    case Type::Killed:
    case Type::Padding:
    case Type::WarnTime:
    case Type::Delay:
    case Type::CreateTime:
    case Type::ReturnReceipt:
    case Type::ErrorsTo:
    case Type::Priority:
    case Type::Pointer:
      break;
    default:
      log::warning(
          fmt::format("{}: message rejected: unexpected record type "
                      "{} in envelope",
                      s_.out.id(), static_cast<int>(type)));
      s_.add_error(status::kBad);
      break;
  }
}

void EnvelopeWriter::write_recipient(const Recipient& recipient,
                                     const std::string& address) {
  std::string key =
      s_.config.original_recipient
          ? fmt::format("{}\n{}\n{}\n{}", recipient.orcpt, recipient.notify,
                        lower(recipient.original), lower(address))
          : lower(address);
  if (s_.duplicates.size() < s_.config.duplicate_limit) {
    if (!s_.duplicates.insert(key).second) return;
  } else if (s_.duplicates.contains(key)) {
    return;
  }
  if (recipient.notify) {
    s_.out.attribute("notify_flags", fmt::to_string(recipient.notify));
  }
  if (!recipient.orcpt.empty()) {
    s_.out.attribute("dsn_orig_rcpt", recipient.orcpt);
  }
  s_.out.record(Type::OrigRecipient, recipient.original);
  long offset = s_.out.record(Type::Recipient, address);
  if (s_.milters_used) {
    s_.written.push_back({recipient.original, address, offset});
  }
  ++s_.recipients;
}

net::Task<> EnvelopeWriter::add_recipient(Recipient recipient) {
  std::string address = recipient.address;
  if (address.empty()) address = s_.config.empty_address_recipient;
  if (!is_ascii(address)) s_.utf8_bits |= 8;
  if (recipient.original.empty()) recipient.original = recipient.address;
  s_.last_recipient = recipient.original;
  auto rewritten =
      co_await s_.rewriter.rewrite(Rewriter::Context::Local, address);
  if (!rewritten) {
    lookup_failed(rewritten.error());
    co_return;
  }
  address = std::move(*rewritten);
  if (recipient.orcpt.empty() && !(recipient.notify & kNotifyNever)) {
    bool utf8 = !is_ascii(address);
    recipient.orcpt = (utf8 ? "utf-8;" : "rfc822;") +
                      mime::encode_xtext(mime::quote_local(address));
  }
  if (!(s_.flags & flag::kMap)) {
    write_recipient(recipient, address);
    co_return;
  }
  auto mapped = co_await s_.rewriter.map_address(
      address, kEnvelopeRecipient, Rewriter::Direction::Recipient);
  if (!mapped) {
    lookup_failed(mapped.error());
    co_return;
  }
  co_await add_recipient_bcc(*mapped);
  auto expanded = co_await s_.rewriter.expand(*mapped);
  if (!expanded) {
    lookup_failed(expanded.error());
    co_return;
  }
  for (const auto& one : *expanded) write_recipient(recipient, one);
}

/// A copy that nobody is told of.
net::Task<> EnvelopeWriter::add_silent(std::string address) {
  if (!s_.bcc_done.insert(lower(address)).second) co_return;
  Recipient copy;
  copy.address = address;
  copy.original = address;
  copy.notify = kNotifyNever;
  s_.extracted_recipients = true;
  std::string last = s_.last_recipient;
  co_await add_recipient(std::move(copy));
  s_.last_recipient = std::move(last);
}

net::Task<> EnvelopeWriter::add_recipient_bcc(std::string address) {
  if (!(s_.flags & flag::kBcc) || s_.config.recipient_bcc.empty()) co_return;
  if (s_.bcc_done.contains(lower(address))) co_return;
  auto found = co_await s_.rewriter.bcc_for(s_.config.recipient_bcc, address);
  if (!found) {
    lookup_failed(found.error());
    co_return;
  }
  for (auto& bcc : *found) s_.header_bcc.push_back(std::move(bcc));
}

net::Task<> EnvelopeWriter::add_bcc() {
  if (s_.recipients == 0) co_return;
  std::vector<std::string> copies;
  if (s_.flags & flag::kBcc) {
    if (!s_.config.always_bcc.empty()) copies.push_back(s_.config.always_bcc);
    if (!s_.config.sender_bcc.empty() && s_.sender && !s_.sender->empty()) {
      auto found =
          co_await s_.rewriter.bcc_for(s_.config.sender_bcc, *s_.sender);
      if (!found) {
        lookup_failed(found.error());
        co_return;
      }
      copies.insert(copies.end(), found->begin(), found->end());
    }
  }
  auto wanted = std::exchange(s_.header_bcc, {});
  copies.insert(copies.end(), wanted.begin(), wanted.end());
  for (auto& copy : copies) co_await add_silent(std::move(copy));
}

void EnvelopeWriter::end() {
  if (!s_.sender) {
    log::warning(
        fmt::format("{}: message rejected: missing sender envelope "
                    "record",
                    s_.out.id()));
    s_.add_error(status::kBad);
  }
  if (s_.arrival == 0) {
    log::warning(
        fmt::format("{}: message rejected: missing time envelope "
                    "record",
                    s_.out.id()));
    s_.add_error(status::kBad);
  }
  if (s_.milters_used) s_.recipients_pointer = s_.out.pointer();
}

}  // namespace mail::cleanup
