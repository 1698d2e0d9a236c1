#include "submission/sendmail/message.h"

#include <fmt/format.h>

#include "common/base/ascii.h"
#include "common/mime/address_list.h"
#include "common/mime/header.h"

namespace mail::sendmail {

using queuefile::append_attribute;
using queuefile::append_record;
using queuefile::Type;

namespace {

constexpr int kTraceRecord = 1024;
constexpr int kTraceVerify = 512;
constexpr size_t kHeaderLimit = 1 << 20;

Result<std::string> sender_of(const Options& options, const Caller& caller,
                              std::vector<std::string>& warnings) {
  if (!options.sender) return caller.name;
  const std::string& given = *options.sender;
  if (given.empty() || given == "<>") return std::string();
  auto found = addresses_of(given);
  if (found.size() != 1) {
    warnings.push_back(
        fmt::format("-f option specified malformed sender: {}", given));
    if (found.empty()) return caller.name;
  }
  return found.front();
}

void append_recipient(const Options& options, std::string_view recipient,
                      std::string& out) {
  if (options.notify) {
    append_attribute(out, "notify_flags", fmt::to_string(options.notify));
  }
  append_record(out, Type::Recipient, recipient);
}

}  // namespace

std::vector<std::string> addresses_of(std::string_view text) {
  mime::AddressList list(text);
  std::vector<std::string> out;
  for (size_t i = 0; i < list.size(); ++i) out.push_back(list.internal(i));
  return out;
}

Result<std::string> envelope_records(const Options& options,
                                     const Caller& caller,
                                     std::vector<std::string>& warnings) {
  std::string out;
  if (!options.envelope_id.empty()) {
    append_attribute(out, "envelope_id", options.envelope_id);
  }
  if (options.ret) {
    append_attribute(out, "ret_flags", fmt::to_string(options.ret));
  }
  append_attribute(out, "rewrite_context", options.relay ? "remote" : "local");
  const std::string& name =
      options.full_name.empty() ? caller.full_name : options.full_name;
  if (!name.empty()) append_record(out, Type::FullName, name);
  std::string sender = TRY(sender_of(options, caller, warnings));
  append_record(out, Type::Sender, sender);
  if (!options.encoding.empty()) {
    append_attribute(out, "encoding", options.encoding);
  }
  int trace = options.mode == Mode::Verify ? kTraceVerify
              : options.verbose == 1       ? kTraceRecord
                                           : 0;
  if (trace) append_attribute(out, "trace_flags", fmt::to_string(trace));
  if (options.use_verp) append_record(out, Type::Verp, options.verp);
  for (const auto& argument : options.recipients) {
    for (const auto& recipient : addresses_of(argument)) {
      append_recipient(options, recipient, out);
    }
  }
  append_record(out, Type::Message, "");
  return out;
}

void append_end(const Options& options,
                const std::vector<std::string>& extracted, std::string& out) {
  append_record(out, Type::Extracted, "");
  for (const auto& recipient : extracted) {
    append_recipient(options, recipient, out);
  }
  append_record(out, Type::End, "");
}

ContentWriter::ContentWriter(const Options& options, LineEndings endings,
                             size_t line_limit)
    : extract_(options.extract),
      dot_ends_(options.dot_ends),
      endings_(endings),
      line_limit_(line_limit) {}

void ContentWriter::take_header() {
  if (header_.empty()) return;
  auto field = mime::split_header(header_);
  const mime::HeaderInfo* info = mime::find_header(field.name);
  if (info && (info->traits & mime::kResentHeader)) resent_ = true;
  if (info && (info->traits & mime::kExtractHeader)) {
    auto& list = info->traits & mime::kResentHeader ? resent_to_ : plain_;
    for (auto& address : addresses_of(field.value)) {
      if (!address.empty()) list.push_back(std::move(address));
    }
  }
  header_.clear();
}

void ContentWriter::take_line(std::string_view line, bool has_newline,
                              std::string& out) {
  // Strictly: all lines end as the first does.
  if (first_ && endings_ == LineEndings::Strict) {
    strip_cr_ = line.ends_with('\r');
  }
  if (endings_ == LineEndings::Never) strip_cr_ = false;
  if (has_newline && strip_cr_ && line.ends_with('\r')) line.remove_suffix(1);
  if (first_ && (line.starts_with("From ") || line.starts_with(">From "))) {
    return;  // a mailbox's envelope line, or several
  }
  first_ = false;
  if (dot_ends_ && !mid_line_ && line == "." && has_newline) {
    ended_ = true;
    return;
  }
  if (extract_ && in_header_ && !mid_line_) {
    bool continues = !line.empty() && (line[0] == ' ' || line[0] == '\t');
    if (!continues) take_header();
    if (continues && header_.size() < kHeaderLimit) {
      header_.append("\n").append(line);
    } else if (mime::header_name_length(line) > 0) {
      header_ = line;
    } else if (!continues) {
      in_header_ = false;
    }
  }
  mid_line_ = false;
  if (has_newline) {
    queuefile::append_line(out, line, line_limit_);
    return;
  }
  while (!line.empty()) {
    append_record(out, Type::Cont, line.substr(0, line_limit_));
    line.remove_prefix(std::min(line.size(), line_limit_));
  }
}

void ContentWriter::receive(std::string_view bytes, std::string& out) {
  while (!ended_) {
    size_t end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    if (partial_.empty()) {
      take_line(bytes.substr(0, end), true, out);
    } else {
      partial_ += bytes.substr(0, end);
      std::string line = std::exchange(partial_, {});
      take_line(line, true, out);
    }
    bytes.remove_prefix(end + 1);
  }
  if (ended_) return;
  partial_ += bytes;
  // A line without end must not fill the memory.
  while (partial_.size() > kHeaderLimit) {
    std::string_view front = std::string_view(partial_).substr(0, line_limit_);
    if (extract_ && in_header_ && !mid_line_) {
      take_header();
      header_ = front;
    }
    append_record(out, Type::Cont, front);
    partial_.erase(0, front.size());
    mid_line_ = true;
    first_ = false;
  }
}

void ContentWriter::finish(std::string& out) {
  if (!ended_ && !partial_.empty()) {
    std::string line = std::exchange(partial_, {});
    take_line(line, false, out);
  }
  take_header();
}

std::vector<std::string> ContentWriter::recipients() const {
  return resent_ ? resent_to_ : plain_;
}

}  // namespace mail::sendmail
