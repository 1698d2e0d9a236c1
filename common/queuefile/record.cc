#include "common/queuefile/record.h"

#include <fmt/core.h>

namespace mail::queuefile {

std::string_view record_name(Type type) {
  switch (type) {
    case Type::Size:
      return "message_size";
    case Type::Time:
      return "message_arrival_time";
    case Type::CreateTime:
      return "queue_file_create_time";
    case Type::FullName:
      return "sender_fullname";
    case Type::Inspector:
      return "content_inspector";
    case Type::Filter:
      return "content_filter";
    case Type::Sender:
      return "sender";
    case Type::DoneRecipient:
      return "done_recipient";
    case Type::Recipient:
      return "recipient";
    case Type::OrigRecipient:
      return "original_recipient";
    case Type::CanceledRcpt:
      return "canceled_recipient";
    case Type::WarnTime:
      return "warning_message_time";
    case Type::Attribute:
      return "named_attribute";
    case Type::Killed:
      return "killed_record";
    case Type::Redirect:
      return "redirect_to";
    case Type::Flags:
      return "flags";
    case Type::Message:
      return "message_content";
    case Type::Text:
      return "regular_text";
    case Type::Padding:
      return "padding";
    case Type::Extracted:
      return "extracted_info";
    case Type::ReturnReceipt:
      return "return_receipt";
    case Type::ErrorsTo:
      return "errors_to";
    case Type::Priority:
      return "priority";
    case Type::Pointer:
      return "pointer_record";
    case Type::Verp:
      return "verp_delimiters";
    case Type::DsnRet:
      return "dsn_return_flags";
    case Type::DsnEnvelopeId:
      return "dsn_envelope_id";
    case Type::DsnOrigRecipient:
      return "dsn_original_recipient";
    case Type::DsnNotify:
      return "dsn_notify_flags";
    case Type::End:
      return "message_end";
    case Type::Delay:
    case Type::Milters:
      break;  // postcat knows no name for them
  }
  return {};
}

namespace {
void append_head(std::string& out, Type type, size_t size) {
  char head[6] = {static_cast<char>(type)};
  size_t n = 1;
  for (; size >= 0x80; size >>= 7) {
    head[n++] = static_cast<char>(0x80 | (size & 0x7f));
  }
  head[n++] = static_cast<char>(size);
  out.append(head, n);
}
}  // namespace

void append_record(std::string& out, Type type, std::string_view data) {
  append_head(out, type, data.size());
  out.append(data);
}

void append_attribute(std::string& out, std::string_view name,
                      std::string_view value) {
  append_head(out, Type::Attribute, name.size() + 1 + value.size());
  out.append(name).append("=").append(value);
}

void append_line(std::string& out, std::string_view line, size_t limit) {
  while (line.size() > limit) {
    append_record(out, Type::Cont, line.substr(0, limit));
    line.remove_prefix(limit);
  }
  append_record(out, Type::Text, line);
}

std::string fixed_number(long value) { return fmt::format("{:15}", value); }

Result<std::optional<Frame>> parse_frame(std::string_view bytes, size_t limit) {
  uint64_t size = 0;
  for (size_t i = 1; i < bytes.size(); ++i) {
    if (i > 5) {
      return fail(Fault::Protocol,
                  fmt::format("too many length bits, record type {}",
                              static_cast<int>(bytes[0])));
    }
    auto byte = static_cast<unsigned char>(bytes[i]);
    size |= static_cast<uint64_t>(byte & 0x7f) << (7 * (i - 1));
    if (byte & 0x80) continue;
    if (size > limit) {
      return fail(Fault::Protocol, fmt::format("record of {} bytes", size));
    }
    return Frame{static_cast<Type>(bytes[0]), i + 1, size};
  }
  return std::nullopt;
}

void RecordReader::receive(std::string_view bytes) {
  buffer_.erase(0, taken_);
  taken_ = 0;
  buffer_.append(bytes);
}

std::string_view RecordReader::rest() const {
  return std::string_view(buffer_).substr(taken_);
}

Result<std::optional<Record>> RecordReader::next() {
  auto parsed = parse_frame(rest(), limit_);
  if (!parsed) {
    auto error = std::move(parsed).error();
    error.what += fmt::format(" at offset {}", offset_);
    return fail(std::move(error));
  }
  if (!*parsed) return std::nullopt;
  Frame frame = **parsed;
  if (rest().size() < frame.head + frame.size) return std::nullopt;
  Record record{frame.type, rest().substr(frame.head, frame.size)};
  taken_ += frame.head + frame.size;
  offset_ += frame.head + frame.size;
  return record;
}

}  // namespace mail::queuefile
