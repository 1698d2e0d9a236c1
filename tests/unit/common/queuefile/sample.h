#pragma once

#include "common/queuefile/envelope.h"

namespace mail::queuefile::test {

/// A finished file as cleanup writes one: two recipients, one of them done,
/// one more extracted from the headers, a line longer than the limit.
struct Sample {
  std::string bytes, content;
  long recipient_offset = 0, done_offset = 0, warning_offset = 0;
};

inline Sample sample() {
  Sample s;
  std::string long_line(5000, 'x');
  s.content = "Subject: hi\n\n" + long_line + "\n";
  auto build = [&](const Sizes& sizes) {
    Sizes real = sizes;
    std::string& out = s.bytes;
    out.clear();
    append_record(out, Type::Size, format_sizes(sizes));
    append_record(out, Type::Time, "1795490254 542347");
    append_attribute(out, "create_time", "1795490254");
    append_attribute(out, "log_ident", "53E8BA94122");
    append_attribute(out, "unheard_of", "value");
    append_record(out, Type::Sender, "sender@ext.example");
    append_attribute(out, "encoding", "7bit");
    append_attribute(out, "log_client_name", "localhost");
    s.warning_offset = static_cast<long>(out.size());
    append_record(out, Type::WarnTime, fixed_number(1795504654));
    append_attribute(out, "notify_flags", "12");
    append_attribute(out, "dsn_orig_rcpt", "rfc822;x@test");
    append_record(out, Type::OrigRecipient, "x");
    s.recipient_offset = static_cast<long>(out.size());
    append_record(out, Type::Recipient, "x@test.example");
    s.done_offset = static_cast<long>(out.size());
    append_record(out, Type::DoneRecipient, "y@test.example");
    append_record(out, Type::Message, "");
    real.content_offset = static_cast<long>(out.size());
    append_line(out, "Subject: hi");
    append_line(out, "");
    append_line(out, long_line);
    real.content_size = static_cast<long>(out.size()) - real.content_offset;
    real.content_length = real.content_size;
    append_record(out, Type::Extracted, "");
    append_record(out, Type::Recipient, "z@test.example");
    append_record(out, Type::End, "");
    real.recipient_count = 3;
    return real;
  };
  build(build({}));
  return s;
}

}  // namespace mail::queuefile::test
