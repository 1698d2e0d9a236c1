#include "common/mime/header.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/ascii.h"

namespace mail::mime {
namespace {

constexpr uint8_t kSenderResent = kSenderHeader | kResentHeader;
constexpr uint8_t kRecipientExtract = kRecipientHeader | kExtractHeader;
constexpr uint8_t kResentRecipient = kRecipientExtract | kResentHeader;

// clang-format off
constexpr std::array kHeaders = {
    HeaderInfo{"Apparently-To", HeaderId::ApparentlyTo, kRecipientHeader},
    HeaderInfo{"Bcc", HeaderId::Bcc, kRecipientExtract},
    HeaderInfo{"Cc", HeaderId::Cc, kRecipientExtract},
    HeaderInfo{"Content-Description", HeaderId::ContentDescription, kMimeHeader},
    HeaderInfo{"Content-Disposition", HeaderId::ContentDisposition, kMimeHeader},
    HeaderInfo{"Content-ID", HeaderId::ContentId, kMimeHeader},
    HeaderInfo{"Content-Length", HeaderId::ContentLength, 0},
    HeaderInfo{"Content-Transfer-Encoding", HeaderId::ContentTransferEncoding, kMimeHeader},
    HeaderInfo{"Content-Type", HeaderId::ContentType, kMimeHeader},
    HeaderInfo{"Date", HeaderId::Date, 0},
    HeaderInfo{"Delivered-To", HeaderId::DeliveredTo, 0},
    HeaderInfo{"Disposition-Notification-To", HeaderId::DispositionNotificationTo, kSenderHeader},
    HeaderInfo{"Errors-To", HeaderId::ErrorsTo, kSenderHeader},
    HeaderInfo{"From", HeaderId::From, kSenderHeader},
    HeaderInfo{"Mail-Followup-To", HeaderId::MailFollowupTo, kSenderHeader},
    HeaderInfo{"Message-Id", HeaderId::MessageId, 0},
    HeaderInfo{"MIME-Version", HeaderId::MimeVersion, kMimeHeader},
    HeaderInfo{"Precedence", HeaderId::Precedence, 0},
    HeaderInfo{"Received", HeaderId::Received, 0},
    HeaderInfo{"Reply-To", HeaderId::ReplyTo, kSenderHeader},
    HeaderInfo{"Resent-Bcc", HeaderId::ResentBcc, kResentRecipient},
    HeaderInfo{"Resent-Cc", HeaderId::ResentCc, kResentRecipient},
    HeaderInfo{"Resent-Date", HeaderId::ResentDate, kResentHeader},
    HeaderInfo{"Resent-From", HeaderId::ResentFrom, kSenderResent},
    HeaderInfo{"Resent-Message-Id", HeaderId::ResentMessageId, kResentHeader},
    HeaderInfo{"Resent-Reply-To", HeaderId::ResentReplyTo, kRecipientHeader | kResentHeader},
    HeaderInfo{"Resent-Sender", HeaderId::ResentSender, kSenderResent},
    HeaderInfo{"Resent-To", HeaderId::ResentTo, kResentRecipient},
    HeaderInfo{"Return-Path", HeaderId::ReturnPath, kSenderHeader},
    HeaderInfo{"Return-Receipt-To", HeaderId::ReturnReceiptTo, kSenderHeader},
    HeaderInfo{"Sender", HeaderId::Sender, kSenderHeader},
    HeaderInfo{"Status", HeaderId::Status, 0},
    HeaderInfo{"Subject", HeaderId::Subject, 0},
    HeaderInfo{"To", HeaderId::To, kRecipientExtract},
};
// clang-format on

bool is_name_char(char c) { return c > 32 && c < 127 && c != ':'; }
bool continues(char c) { return c == ' ' || c == '\t'; }

}  // namespace

const HeaderInfo* find_header(std::string_view name) {
  for (const HeaderInfo& info : kHeaders) {
    if (iequals(info.name, name)) return &info;
  }
  return nullptr;
}

bool is_mime_header(std::string_view name) {
  return istarts_with(name, "Content-") || iequals(name, "MIME-Version");
}

size_t header_name_length(std::string_view line) {
  size_t length = 0;
  while (length < line.size() && is_name_char(line[length])) ++length;
  size_t at = length;
  while (at < line.size() && continues(line[at])) ++at;
  return at < line.size() && line[at] == ':' ? length : 0;
}

HeaderField split_header(std::string_view header) {
  size_t length = header_name_length(header);
  if (length == 0) return {};
  size_t at = header.find(':', length) + 1;
  return {header.substr(0, length), trim_left(header.substr(at))};
}

bool HeaderSplitter::push(std::string_view line, Piece piece) {
  ready_ = false;
  bool mid_line = std::exchange(mid_line_, piece == Piece::Continues);
  if (mid_line) {
    append(line);
    return true;
  }
  if (has_current_ && !line.empty() && continues(line[0])) {
    append("\n");
    append(line);
    return true;
  }
  finish();
  if (header_name_length(line) == 0) {
    mid_line_ = false;
    return false;
  }
  has_current_ = true;
  append(line);
  return true;
}

void HeaderSplitter::finish() {
  ready_ = has_current_;
  if (!has_current_) return;
  has_current_ = false;
  done_.swap(current_);
  current_.clear();
  done_truncated_ = std::exchange(truncated_, false);
}

void HeaderSplitter::append(std::string_view text) {
  size_t room = size_limit_ - std::min(size_limit_, current_.size());
  truncated_ = truncated_ || text.size() > room;
  current_ += text.substr(0, room);
}

}  // namespace mail::mime
