#include "lmtp/job.h"

#include <fmt/format.h>

#include "common/base/number.h"

namespace mail::lmtp {
namespace {

std::optional<std::string_view> take_line(std::string_view& text) {
  auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Failure bad() { return fail(Fault::Protocol, "lmtp job: bad form"); }

}  // namespace

std::string encode(const Job& job) {
  ipc::TabFields head;
  head.set("sender", job.sender);
  head.set("lip", job.local_ip);
  head.set("rip", job.remote_ip);
  head.set("size", fmt::format("{}", job.body_size));
  head.set("count", fmt::format("{}", job.recipients.size()));
  if (job.inline_body) head.set("inline");
  std::string out = head.encode() + "\n";
  for (auto& r : job.recipients) {
    out += ipc::tab_escape(r.user) + "\t" + ipc::tab_escape(r.session) + "\t" +
           ipc::tab_escape(r.address) + "\t" + ipc::tab_escape(r.mailbox) +
           "\t" + ipc::tab_escape(r.headers) + r.fields.encode() + "\n";
  }
  if (job.inline_body) out += job.body;
  return out;
}

Result<Job> parse_job(std::string_view message) {
  auto line = take_line(message);
  if (!line) return bad();
  auto head = ipc::tab_fields(ipc::tab_split(*line), 0);
  Job job;
  job.sender = head.get("sender");
  job.local_ip = head.get("lip");
  job.remote_ip = head.get("rip");
  job.inline_body = head.has("inline");
  auto size = parse_number<uint64_t>(head.get("size"));
  auto count = parse_number<uint32_t>(head.get("count"));
  if (!size || !count) return bad();
  job.body_size = *size;
  for (uint32_t i = 0; i < *count; ++i) {
    line = take_line(message);
    if (!line) return bad();
    auto pieces = ipc::tab_split(*line);
    if (pieces.size() < 5) return bad();
    JobRecipient r;
    r.user = ipc::tab_unescape(pieces[0]);
    r.session = ipc::tab_unescape(pieces[1]);
    r.address = ipc::tab_unescape(pieces[2]);
    r.mailbox = ipc::tab_unescape(pieces[3]);
    r.headers = ipc::tab_unescape(pieces[4]);
    r.fields = ipc::tab_fields(pieces, 5);
    job.recipients.push_back(std::move(r));
  }
  if (job.inline_body && message.size() != job.body_size) return bad();
  job.body = message;
  return job;
}

std::string encode(const std::vector<JobAnswer>& answers) {
  std::string out;
  for (auto& a : answers) {
    out +=
        fmt::format("{}\t{}\t{}\n", a.code, a.status, ipc::tab_escape(a.text));
  }
  return out;
}

Result<std::vector<JobAnswer>> parse_answers(std::string_view text) {
  std::vector<JobAnswer> answers;
  while (auto line = take_line(text)) {
    auto pieces = ipc::tab_split(*line);
    auto code = parse_number<int>(pieces[0]);
    if (pieces.size() != 3 || !code) return bad();
    answers.push_back(
        {*code, std::string(pieces[1]), ipc::tab_unescape(pieces[2])});
  }
  return answers;
}

}  // namespace mail::lmtp
