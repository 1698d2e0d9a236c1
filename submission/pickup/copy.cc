#include "submission/pickup/copy.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/queuefile/record.h"

namespace mail::pickup {

using queuefile::append_record;
using queuefile::PlacedRecord;
using queuefile::Type;

namespace {

bool is_attribute(const PlacedRecord& record, std::string_view name) {
  return record.type == Type::Attribute && record.data.size() > name.size() &&
         record.data.starts_with(name) && record.data[name.size()] == '=';
}

constexpr std::string_view kExtractedAttributes[] = {
    "create_time",  "envelope_id",   "ret_flags",
    "notify_flags", "dsn_orig_rcpt", "encoding"};

}  // namespace

void Copier::envelope(const PlacedRecord& record, std::string& out) {
  if (!begun_) {
    begun_ = true;
    if (!origin_.content_filter.empty()) {
      append_record(out, Type::Filter, origin_.content_filter);
    }
  }
  switch (record.type) {
    case Type::Size:
    case Type::Filter:
    case Type::Redirect:
    case Type::Flags:
    case Type::Killed:
    case Type::Padding:
    case Type::DoneRecipient:
    case Type::CanceledRcpt:
    case Type::WarnTime:
      return;
    case Type::Time:
      has_time_ = true;
      break;
    case Type::Sender:
      sender_ = record.data;
      break;
    case Type::Message:
      end_envelope(out);
      return;
    default:
      break;
  }
  if (is_attribute(record, "log_ident")) {
    original_id_ = record.data.substr(10);
    return;
  }
  append_record(out, record.type, record.data);
}

void Copier::end_envelope(std::string& out) {
  if (!has_time_) {
    append_record(out, Type::Time, fmt::format("{} 0", origin_.mtime));
  }
  append_record(out, Type::Message, "");
  std::string_view received = origin_.received;
  while (!received.empty()) {
    size_t end = std::min(received.find('\n'), received.size());
    append_record(out, Type::Text, received.substr(0, end));
    received.remove_prefix(std::min(end + 1, received.size()));
  }
  place_ = Place::Content;
}

void Copier::content(const PlacedRecord& record, std::string& out) {
  if (record.type == Type::Extracted) {
    append_record(out, Type::Extracted, "");
    place_ = Place::Extracted;
    return;
  }
  if (record.type == Type::Padding) return;
  if (first_line_ && !record.data.empty() && is_space(record.data[0])) {
    append_record(out, Type::Text, "");  // it must not become part of Received
  }
  first_line_ = false;
  append_record(out, record.type, record.data);
}

void Copier::extracted(const PlacedRecord& record, std::string& out) {
  switch (record.type) {
    case Type::End:
      append_record(out, Type::End, "");
      place_ = Place::Finished;
      return;
    case Type::Attribute:
      for (std::string_view name : kExtractedAttributes) {
        if (is_attribute(record, name)) {
          append_record(out, record.type, record.data);
        }
      }
      return;
    case Type::Recipient:
    case Type::OrigRecipient:
      append_record(out, record.type, record.data);
      return;
    default:
      return;
  }
}

Result<> Copier::step(size_t size, std::string& out) {
  size_t before = out.size();
  Place began = place_;
  while (!finished() && out.size() - before < size) {
    auto record = TRY(walker_.next());
    if (!record) return queuefile::corrupt("file ends early", walker_.offset());
    switch (place_) {
      case Place::Envelope:
        envelope(*record, out);
        break;
      case Place::Content: {
        bool text = record->type == Type::Text || record->type == Type::Cont ||
                    record->type == Type::Extracted ||
                    record->type == Type::Padding;
        if (!text) {
          return queuefile::corrupt("unexpected record type", record->offset);
        }
        content(*record, out);
        break;
      }
      case Place::Extracted:
        extracted(*record, out);
        break;
      case Place::Finished:
        break;
    }
    // The envelope's end is a stop of its own: the caller logs the sender.
    if (began == Place::Envelope && place_ != began) return {};
  }
  return {};
}

}  // namespace mail::pickup
