#include "queue/bounce/job.h"

#include <fcntl.h>

#include <cerrno>

#include "common/base/ascii.h"
#include "common/base/file.h"
#include "common/queue/source.h"
#include "common/queuefile/content.h"
#include "common/queuefile/envelope.h"

namespace mail::bounce {

namespace {

constexpr size_t kStep = 65536;
/// A log is as long as its message has recipients.
constexpr size_t kLogLimit = size_t{1} << 30;

Result<std::vector<queue::LogEntry>> read_log(const std::string& path) {
  auto file = read_file(path, kLogLimit);
  if (!file && file.error().sys == ENOENT) {
    return std::vector<queue::LogEntry>{};
  }
  std::string text = TRY(std::move(file));
  queue::LogParser parser;
  parser.receive(text);
  parser.finish();
  std::vector<queue::LogEntry> out;
  while (auto entry = parser.next()) out.push_back(std::move(*entry));
  return out;
}

/// The end of the header in `text`; npos: not seen yet. The blank line (or
/// what is no header line) is not the header's.
size_t header_end(std::string_view text) {
  size_t at = 0;
  while (true) {
    size_t end = text.find('\n', at);
    if (end == std::string_view::npos) return end;
    auto line = text.substr(at, end - at);
    bool more = at > 0 && !line.empty() && (line[0] == ' ' || line[0] == '\t');
    if (!more && (line.empty() || line.find(':') == std::string_view::npos)) {
      return at;
    }
    at = end + 1;
  }
}

std::string find_message_id(std::string_view header) {
  constexpr std::string_view kName = "message-id:";
  for (size_t at = 0; at < header.size();) {
    size_t end = std::min(header.find('\n', at), header.size());
    auto line = header.substr(at, end - at);
    if (istarts_with(line, kName)) {
      return std::string(trim(line.substr(kName.size())));
    }
    at = end + 1;
  }
  return {};
}

Result<> read_original(queue::FileSource& source, uint64_t offset,
                       Material& out) {
  queuefile::ContentReader reader(source, offset);
  std::string text;
  size_t end = std::string::npos;
  bool more = true;
  while (more && (end == std::string::npos || out.has_body)) {
    more = TRY(queuefile::append_content(reader, kStep, "\n", text));
    if (end == std::string::npos) end = header_end(text);
  }
  if (end == std::string::npos) end = text.size();
  if (out.has_body) out.body = text.substr(end);
  text.resize(end);
  out.header = std::move(text);
  out.message_id = find_message_id(out.header);
  return {};
}

}  // namespace

Result<Material> read_material(const queue::Layout& layout,
                               const std::string& service,
                               const ipc::BounceSend& request, Body body,
                               size_t limit) {
  Material out;
  if (request.nrequest == ipc::bounce_request::kOne) {
    out.entries.push_back({request.recipient, request.dsn});
  } else {
    out.entries = TRY(read_log(layout.path(service, request.queue_id)));
    if (out.entries.empty()) return out;
  }
  auto fd =
      TRY(queue::open(layout, request.queue_name, request.queue_id, O_RDONLY));
  queue::FileSource source(fd.get());
  queuefile::EnvelopeParser parser;
  std::vector<queuefile::FileRecipient> ignored;
  while (!parser.finished() && parser.envelope().content_offset == 0) {
    ignored.clear();
    TRY(parser.read(source, 1000, ignored));
  }
  const auto& envelope = parser.envelope();
  out.arrival = envelope.arrival_sec;
  long size = envelope.sizes ? envelope.sizes->content_length : 0;
  if (envelope.sizes && size == 0) size = envelope.sizes->content_size;
  out.has_body =
      body == Body::Wanted && size >= 0 && static_cast<size_t>(size) <= limit;
  TRY(read_original(source, envelope.content_offset, out));
  return out;
}

Result<> cross_off(const queue::Layout& layout, const ipc::BounceSend& request,
                   const std::vector<long>& offsets) {
  if (offsets.empty()) return {};
  auto fd =
      TRY(queue::open(layout, request.queue_name, request.queue_id, O_RDWR));
  for (long offset : offsets) TRY(queue::mark_done(fd.get(), offset));
  return queue::sync(fd.get());
}

}  // namespace mail::bounce
