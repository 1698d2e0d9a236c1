#include "common/queuefile/envelope.h"

#include <fmt/core.h>

#include "common/base/ascii.h"
#include "common/base/number.h"
#include "common/queuefile/content.h"

namespace mail::queuefile {
namespace {

template <class T>
Result<T> number_at(const PlacedRecord& record) {
  auto value = parse_number<T>(trim(record.data));
  if (!value) {
    return corrupt(
        fmt::format("bad number in {} record", record_name(record.type)),
        record.offset);
  }
  return *value;
}

}  // namespace

std::string format_sizes(const Sizes& s) {
  return fmt::format("{:15} {:15} {:15} {:15} {:15} {:15}", s.content_size,
                     s.content_offset, s.recipient_count, s.qmgr_flags,
                     s.content_length, s.smtputf8);
}

Result<Sizes> parse_sizes(std::string_view data) {
  Sizes sizes;
  long* members[] = {&sizes.content_size,    &sizes.content_offset,
                     &sizes.recipient_count, &sizes.qmgr_flags,
                     &sizes.content_length,  &sizes.smtputf8};
  auto pieces = split(data, " ");
  if (pieces.empty() || pieces.size() > std::size(members)) {
    return fail(Fault::Protocol, "bad message_size record");
  }
  for (size_t i = 0; i < pieces.size(); ++i) {
    auto value = parse_number<long>(pieces[i]);
    if (!value || *value < 0) {
      return fail(Fault::Protocol, "bad message_size record");
    }
    *members[i] = *value;
  }
  if (pieces.size() < 5) sizes.content_length = sizes.content_size;
  return sizes;
}

Result<> EnvelopeParser::read(Source& source, size_t limit,
                              std::vector<FileRecipient>& out) {
  Walker walker(source, position_);
  size_t stop = limit > SIZE_MAX - out.size() ? SIZE_MAX : out.size() + limit;
  while (!finished() && out.size() < stop) {
    auto record = TRY(walker.next());
    if (!record) return corrupt("file without end", walker.offset());
    if (record->type == Type::Message && place_ == Place::Envelope) {
      TRY(skip_content(walker, *record));
    } else {
      TRY(take(*record, out));
    }
    position_ = walker.offset();
  }
  return {};
}

/// From M to just after X: by the sizes if there are any, else on foot.
Result<> EnvelopeParser::skip_content(Walker& walker,
                                      const PlacedRecord& record) {
  envelope_.content_offset = record.end;
  pending_ = {};
  place_ = Place::Extracted;
  if (!envelope_.sizes) {
    ContentReader content(walker.source(), record.end);
    while (TRY(content.next())) {
    }
    walker.seek(content.offset());
    envelope_.extracted_offset = content.offset() - 2;
    return {};
  }
  const Sizes& sizes = *envelope_.sizes;
  if (static_cast<uint64_t>(sizes.content_offset) != record.end) {
    return corrupt("content is not where message_size says", record.offset);
  }
  walker.seek(record.end + static_cast<uint64_t>(sizes.content_size));
  auto extracted = TRY(walker.next());
  if (!extracted || extracted->type != Type::Extracted) {
    return corrupt("content does not end where message_size says",
                   walker.offset());
  }
  envelope_.extracted_offset = extracted->offset;
  return {};
}

Result<> EnvelopeParser::take(const PlacedRecord& record,
                              std::vector<FileRecipient>& out) {
  if (TRY(take_recipient(record, out))) return {};
  auto data = [&] { return std::string(record.data); };
  bool in_envelope = place_ == Place::Envelope;
  switch (record.type) {
    case Type::Size: {
      if (!in_envelope || envelope_.sizes) break;
      auto sizes = parse_sizes(record.data);
      if (!sizes) return corrupt(sizes.error().what, record.offset);
      envelope_.sizes = *sizes;
      return {};
    }
    case Type::Sender:
      if (!in_envelope || envelope_.sender) break;
      envelope_.sender = data();
      return {};
    case Type::Attribute:
      return take_attribute(record);
    case Type::FullName:
      envelope_.full_name = data();
      return {};
    case Type::Filter:
      envelope_.content_filter = data();
      return {};
    case Type::Redirect:
      envelope_.redirect_to = data();
      return {};
    case Type::Verp:
      envelope_.verp_delimiters = data();
      return {};
    case Type::DsnEnvelopeId:
      envelope_.envelope_id = data();
      return {};
    case Type::Time:
    case Type::CreateTime:
    case Type::WarnTime:
    case Type::Flags:
    case Type::DsnRet:
      return take_number(record);
    case Type::Inspector:
    case Type::Killed:
    case Type::Padding:
    case Type::Delay:
    case Type::ReturnReceipt:
    case Type::ErrorsTo:
    case Type::Priority:
    case Type::Milters:
      return {};
    case Type::End:
      if (in_envelope) return corrupt("file without content", record.offset);
      place_ = Place::Finished;
      return {};
    default:
      break;
  }
  return corrupt(fmt::format("Unexpected record type '{}'",
                             static_cast<char>(record.type)),
                 record.offset);
}

/// Recipients and what stands before them; false: another record.
Result<bool> EnvelopeParser::take_recipient(const PlacedRecord& record,
                                            std::vector<FileRecipient>& out) {
  switch (record.type) {
    case Type::OrigRecipient:
      pending_.original_recipient = record.data;
      return true;
    case Type::DsnOrigRecipient:
      pending_.dsn_orig_rcpt = record.data;
      return true;
    case Type::DsnNotify:
      pending_.notify_flags = TRY(number_at<int>(record));
      return true;
    case Type::CanceledRcpt:
      pending_ = {};
      return true;
    case Type::Recipient:
    case Type::DoneRecipient:
      break;
    default:
      return false;
  }
  pending_.offset = static_cast<long>(record.offset);
  pending_.recipient = record.data;
  pending_.done = record.type == Type::DoneRecipient;
  if (!pending_.done || wanted_ == Wanted::All) {
    out.push_back(std::move(pending_));
  }
  pending_ = {};
  return true;
}

Result<> EnvelopeParser::take_number(const PlacedRecord& record) {
  switch (record.type) {
    case Type::Time: {
      auto pieces = split(record.data, " ");
      std::optional<long> sec, usec;
      if (!pieces.empty()) sec = parse_number<long>(pieces[0]);
      usec = pieces.size() > 1 ? parse_number<long>(pieces[1]) : 0;
      if (!sec || !usec || *usec < 0 || *usec > 999999) {
        return corrupt("bad arrival time", record.offset);
      }
      // The first one stands: pickup's mail may bring another.
      if (envelope_.arrival_sec != 0) return {};
      envelope_.arrival_sec = *sec;
      envelope_.arrival_usec = *usec;
      return {};
    }
    case Type::CreateTime:
      envelope_.create_time = TRY(number_at<long>(record));
      return {};
    case Type::WarnTime:
      envelope_.warning_time = TRY(number_at<long>(record));
      envelope_.warning_offset = static_cast<long>(record.offset);
      return {};
    case Type::Flags:
      envelope_.cleanup_flags = TRY(number_at<int>(record));
      return {};
    default:
      envelope_.ret_flags = TRY(number_at<int>(record));
      return {};
  }
}

Result<> EnvelopeParser::take_attribute(const PlacedRecord& record) {
  size_t equal = record.data.find('=');
  if (equal == 0 || equal == std::string_view::npos) {
    return corrupt("bad attribute", record.offset);
  }
  auto name = record.data.substr(0, equal);
  auto value = record.data.substr(equal + 1);
  PlacedRecord only_value{record.type, value, record.offset, record.end};
  if (name == "notify_flags") {
    pending_.notify_flags = TRY(number_at<int>(only_value));
  } else if (name == "dsn_orig_rcpt") {
    pending_.dsn_orig_rcpt = value;
  } else {
    auto known = set_attribute(envelope_, name, value);
    if (!known) return corrupt(known.error().what, record.offset);
    if (name == "trace_flags") {
      envelope_.trace_flags_offset = static_cast<long>(record.offset);
    }
  }
  return {};
}

}  // namespace mail::queuefile
