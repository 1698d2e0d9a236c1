#include "submission/postdrop/drop.h"

#include <fmt/format.h>

namespace mail::postdrop {

using queuefile::Type;

namespace {

constexpr std::string_view kAttributes[] = {
    "encoding",  "envelope_id", "notify_flags",    "dsn_orig_rcpt",
    "ret_flags", "create_time", "rewrite_context", "trace_flags"};

constexpr std::string_view kEnvelope = "MFSRVAinTL";
constexpr std::string_view kContent = "XLN";
constexpr std::string_view kExtracted = "EAR";

}  // namespace

bool Checker::allowed_attribute(std::string_view text) const {
  size_t equal = text.find('=');
  if (equal == std::string_view::npos) return false;
  std::string_view name = text.substr(0, equal);
  std::string_view value = text.substr(equal + 1);
  if (name == "encoding") {
    return value == "7bit" || value == "8bit" || value.empty();
  }
  if (name == "rewrite_context") return value == "local" || value == "remote";
  for (std::string_view known : kAttributes) {
    if (name == known) return true;
  }
  return false;
}

Result<> Checker::take(const queuefile::Record& record, std::string& out) {
  std::string_view allowed = place_ == Place::Envelope  ? kEnvelope
                             : place_ == Place::Content ? kContent
                                                        : kExtracted;
  char letter = static_cast<char>(record.type);
  if (allowed.find(letter) == std::string_view::npos ||
      (place_ == Place::Envelope && record.type == Type::Filter)) {
    return fail(Fault::Protocol, fmt::format("unexpected record type: {}",
                                             static_cast<int>(letter)));
  }
  switch (record.type) {
    case Type::Time:
      return {};  // ours stands first
    case Type::Attribute:
      if (!allowed_attribute(record.data)) {
        warn_(fmt::format("ignoring attribute record: {}", record.data));
        return {};
      }
      break;
    case Type::Sender:
      has_sender_ = true;
      break;
    case Type::Recipient:
      has_recipient_ = true;
      break;
    case Type::Message:
      place_ = Place::Content;
      break;
    case Type::Extracted:
      place_ = Place::Extracted;
      break;
    case Type::End:
      place_ = Place::Finished;
      break;
    default:
      break;
  }
  queuefile::append_record(out, record.type, record.data);
  return {};
}

}  // namespace mail::postdrop
